from collections.abc import Iterator

import pytest

from adapter.calls.client import LambdaTransport
from adapter.serve import transport
from tests.calls.lambda_server import LambdaServer


@pytest.fixture
def server() -> Iterator[LambdaServer]:
    started = LambdaServer()
    yield started
    started.stop()


@pytest.fixture
def environ(server: LambdaServer) -> dict[str, str]:
    return {"AWS_ENDPOINT_URL_LAMBDA": server.url, "AWS_REGION": "eu-west-1"}


@pytest.fixture
def client(environ: dict[str, str]) -> Iterator[LambdaTransport]:
    made = LambdaTransport(environ=environ)
    transport.connect(made)
    yield made
    transport.connect(None)
    made.close()

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime

import pytest

from adapter.calls.sigv4 import Credentials, Request, sign
from adapter.errors import InvocationError, ServeError
from adapter.http1 import response_bytes
from adapter.sockets import connections
from adapter.sockets.connections import ENDPOINT, Gone, ManagementApi
from adapter.sockets.event import Address
from tests.calls.lambda_server import CUT, LambdaServer, Reply, refusal
from tests.calls.test_sigv4 import botocore_signs

ADDRESS = Address("a1b2c3", "ws", "Jz2XteQwjoECGhA=")
OK = Reply(response_bytes(200, {}))
NO_CONTENT = Reply(b"HTTP/1.1 204 No Content\r\n\r\n")


@pytest.fixture
def server() -> Iterator[LambdaServer]:
    server = LambdaServer()
    yield server
    server.stop()


def using(url: str, work: Callable[[ManagementApi], Awaitable[None]]) -> None:
    async def run() -> None:
        api = ManagementApi(
            {
                ENDPOINT: url,
                "AWS_REGION": "eu-west-1",
                "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "secret",
            },
        )
        try:
            await work(api)
        finally:
            api.close()
            await asyncio.sleep(0)  # asyncio closes sockets a turn later

    asyncio.run(run())


async def post(api: ManagementApi) -> None:
    await api.post(ADDRESS, "a")


def test_a_message_is_posted_and_signed(server: LambdaServer) -> None:
    server.script.extend([OK, NO_CONTENT])

    async def both(api: ManagementApi) -> None:
        await api.post(ADDRESS, "hé")
        await api.delete(ADDRESS)

    using(f"{server.url}/ws", both)

    posted, deleted = server.requests
    target = "/ws/@connections/Jz2XteQwjoECGhA%3D"
    assert (posted.method, posted.target, posted.body) == ("POST", target, "hé".encode())
    assert (deleted.method, deleted.target, deleted.body) == ("DELETE", target, b"")
    assert "/eu-west-1/execute-api/aws4_request" in posted.headers["authorization"]
    assert server.connections == 1


def test_a_refusal_is_told_without_the_credentials_that_it_quotes(server: LambdaServer) -> None:
    text = (
        "The request signature we calculated does not match the signature you provided.\n\n"
        "The Canonical String for this request should have been\n"
        "'POST\n/ws\n\nx-amz-security-token:IQoJb3JpZ2luEXAMPLE\n'"
    )
    body = json.dumps({"message": text}).encode()
    server.script.append(refusal(403, "InvalidSignatureException", body))
    with pytest.raises(InvocationError) as caught:
        using(server.url, post)

    assert str(caught.value).endswith("does not match the signature you provided.")


def test_the_signature_is_that_of_awss_own_client() -> None:
    request = Request(
        method="POST",
        host="a1b2c3.execute-api.eu-west-1.amazonaws.com",
        path="/ws/@connections/Jz2XteQwjoECGhA%3D",
        body=b"hello",
    )
    credentials = Credentials("ASIAEXAMPLE", "secret", "token/with+signs==")
    now = datetime(2026, 11, 21, 14, 2, 20, tzinfo=UTC)

    ours = sign(request, credentials, "eu-west-1", now, service="execute-api")

    timestamp = "20261121T140220Z"
    theirs = botocore_signs(request, credentials, "eu-west-1", timestamp, {}, "execute-api")
    assert ours["authorization"] == theirs


def test_the_address_is_made_of_the_apis_id_and_our_region() -> None:
    where, path = ManagementApi({"AWS_REGION": "eu-west-1"})._located(ADDRESS)
    china, _ = ManagementApi({"AWS_REGION": "cn-north-1"})._located(ADDRESS)

    assert (where.authority, where.tls) == ("a1b2c3.execute-api.eu-west-1.amazonaws.com", True)
    assert path == "/ws/@connections/Jz2XteQwjoECGhA%3D"
    assert china.authority == "a1b2c3.execute-api.cn-north-1.amazonaws.com.cn"


@pytest.mark.parametrize("environ", [{}, {ENDPOINT: "nonsense", "AWS_REGION": "eu-west-1"}])
def test_an_address_that_cannot_be_made_is_an_error(environ: dict[str, str]) -> None:
    with pytest.raises(ServeError):
        ManagementApi(environ)._located(ADDRESS)


def test_a_client_that_is_not_there_is_gone(server: LambdaServer) -> None:
    server.script.append(refusal(410, "GoneException", b""))

    with pytest.raises(Gone):
        using(server.url, post)


def test_what_is_refused_is_an_error_with_awss_words(server: LambdaServer) -> None:
    server.script.append(refusal(403, "ForbiddenException", b'{"message": "no"}'))

    with pytest.raises(InvocationError, match="ForbiddenException: no"):
        using(server.url, post)


def test_a_lost_connection_is_an_error(server: LambdaServer) -> None:
    server.script.append(CUT)

    with pytest.raises(InvocationError, match="ConnectionFailed"):
        using(server.url, post)


def test_what_is_throttled_is_sent_again(
    server: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_AGAIN_S", (0.0, 0.0))
    throttled = refusal(429, "LimitExceededException", b"")
    server.script.extend([throttled, throttled, OK])

    using(server.url, post)

    assert len(server.requests) == 3
    server.script.extend([throttled] * 3)
    with pytest.raises(InvocationError, match="LimitExceededException"):
        using(server.url, post)

"""The HTTP server of `serve.run`, as `serve.start` describes it."""

import gc
import http.client
import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI, WebSocket
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.sync.client import connect

from adapter import serve
from adapter.errors import LocalError
from adapter.local import in_process
from adapter.serve.config import HTTPOptions


@serve.deployment
def where(request: Request) -> dict[str, Any]:
    names = ("path", "root_path", "scheme")
    return {**{name: request.scope[name] for name in names}, "raw": str(request.url)}


app = where.bind()


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    serve.shutdown()


def get(path: str, **options: Any) -> Any:
    with urllib.request.urlopen(in_process.url() + path, timeout=10, **options) as answer:
        return json.load(answer)


def test_options_may_be_a_value_or_a_dict() -> None:
    for options in (HTTPOptions(host="127.0.0.2", port=0), {"host": "127.0.0.2", "port": 0}):
        serve.start(http_options=options)
        serve.run(app)
        assert in_process.url().startswith("http://127.0.0.2:")
        assert get("/x")["path"] == "/x"
        serve.shutdown()


@pytest.mark.parametrize(
    "options",
    [
        {"proxy_location": "Disabled"},
        {"http_options": {"location": "NoServer"}},
        {"http_options": {"host": None}},
    ],
)
def test_without_a_server_there_are_handles_only(options: dict[str, Any]) -> None:
    serve.start(**options)
    handle = serve.run(serve.deployment(lambda number: number + 1).bind())

    assert handle.remote(1).result(timeout_s=10) == 2
    assert serve.status().proxies == {}
    with pytest.raises(LocalError, match="no application is being served over HTTP"):
        in_process.url()


@pytest.mark.parametrize(
    ("route_prefix", "asked", "scope"),
    [
        ("/", "/x", {"path": "/outer/x", "root_path": "/outer"}),
        ("/api", "/api/x", {"path": "/outer/api/x", "root_path": "/outer/api"}),
        ("/api", "/api/outer/x", {"path": "/outer/api/outer/x", "root_path": "/outer/api"}),
    ],
)
def test_a_prefix_that_a_proxy_took_away_is_put_back(
    route_prefix: str,
    asked: str,
    scope: dict[str, str],
) -> None:
    serve.start(http_options={"port": 0, "root_path": "/outer"})
    serve.run(app, route_prefix=route_prefix)

    assert get(asked).items() >= scope.items()


def test_links_of_fastapi_begin_with_the_prefix_that_a_proxy_took_away() -> None:
    @serve.deployment
    @serve.ingress(FastAPI())
    class Gateway:
        pass

    serve.start(http_options={"port": 0, "root_path": "/outer"})
    serve.run(Gateway.bind(), route_prefix="/api")

    assert get("/api/openapi.json")["servers"] == [{"url": "/outer/api"}]


def test_middlewares_go_around_everything_that_is_served() -> None:
    cors = Middleware(CORSMiddleware, allow_origins=["https://example.com"])
    serve.start(http_options={"port": 0, "middlewares": [cors]})
    serve.run(app, route_prefix="/app")

    for path in ("/app", "/nowhere", "/-/metrics"):
        request = urllib.request.Request(
            in_process.url() + path,
            headers={"Origin": "https://example.com"},
        )
        try:
            answer = urllib.request.urlopen(request, timeout=10)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            assert answer.headers["access-control-allow-origin"] == "https://example.com"


class Marked:
    """Leaves a mark in a header."""

    def __init__(self, app: ASGIApp, mark: str) -> None:
        self.app = app
        self.mark = mark

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"

        async def marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"mark", self.mark.encode()))
            await send(message)

        await self.app(scope, receive, marked)


def test_the_first_middleware_is_the_outermost_and_sees_no_lifespan() -> None:
    both = [Middleware(Marked, "outer"), Middleware(Marked, mark="inner")]
    serve.start(http_options={"port": 0, "middlewares": both})
    serve.run(app)

    with urllib.request.urlopen(in_process.url(), timeout=10) as answer:
        assert answer.headers.get_all("mark") == ["inner", "outer"]


def test_an_idle_connection_is_kept_as_long_as_the_options_say() -> None:
    serve.start(http_options={"port": 0, "keep_alive_timeout_s": 0})
    serve.run(app)
    parts = urlsplit(in_process.url())
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().read()
    assert connection.sock is not None
    connection.sock.settimeout(4)  # uvicorn's own default is 5 s

    assert connection.sock.recv(1) == b""  # the server hangs up at once
    connection.close()


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = {"ssl_certfile": tmp_path / "cert.pem", "ssl_keyfile": tmp_path / "key.pem"}
    files["ssl_certfile"].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    files["ssl_keyfile"].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        ),
    )
    return {name: str(path) for name, path in files.items()}


def test_https_is_served_with_a_certificate_and_its_key(certificate: dict[str, str]) -> None:
    files = {**certificate, "ssl_keyfile_password": "secret"}
    serve.start(http_options={"host": "localhost", "port": 0, **files})
    serve.run(app)
    trusting = ssl.create_default_context(cafile=certificate["ssl_certfile"])
    port = urlsplit(in_process.url()).port

    with urllib.request.urlopen(f"https://localhost:{port}/", context=trusting) as answer:
        assert json.load(answer)["scheme"] == "https"
    assert in_process.url().startswith("https://")
    assert serve.status().proxies == {in_process.url(): "HEALTHY"}


@pytest.mark.parametrize(
    "wrong",
    [{"ssl_certfile": "/nowhere.pem"}, {"ssl_keyfile_password": "wrong"}],
)
def test_a_certificate_that_cannot_be_read_is_told(
    certificate: dict[str, str],
    wrong: dict[str, str],
) -> None:
    files = {**certificate, "ssl_keyfile_password": "secret", **wrong}
    serve.start(http_options={"port": 0, **files})

    with pytest.raises(LocalError, match="the certificate or its key cannot be read"):
        serve.run(app)


def test_a_taken_port_is_told_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        serve.start(http_options={"port": port})
        with pytest.raises(LocalError, match=r"Choose another port with serve\.start"):
            serve.run(app)

    assert serve.status().applications == {}
    serve.run(app)

    assert in_process.url() == f"http://127.0.0.1:{port}"  # what start was told stays


def test_the_server_begins_with_the_first_application_over_http() -> None:
    serve.start(http_options={"port": 0})
    serve.run(app, name="tested", _local_testing_mode=True)
    assert serve.status().proxies == {}

    serve.run(app, name="served")
    assert len(serve.status().proxies) == 1
    assert get("/")["path"] == "/"


def test_a_message_for_a_deleted_application_fails_as_one_for_a_deleted_function(
    caplog: pytest.LogCaptureFixture,
) -> None:
    api = FastAPI()

    @api.websocket("/ws")
    async def echo(client: WebSocket) -> None:
        await client.accept()
        async for text in client.iter_text():
            await client.send_text(text)

    serve.start(http_options={"port": 0})
    serve.run(serve.deployment(serve.ingress(api)(type("Echo", (), {}))).bind(), name="echo")
    with connect(f"{in_process.url().replace('http', 'ws', 1)}/ws") as client:
        client.send("a")
        assert client.recv(timeout=30) == "a"
        serve.delete("echo")
        client.send("b")
        assert "Internal server error" in client.recv(timeout=30)
    serve.shutdown()
    gc.collect()

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []

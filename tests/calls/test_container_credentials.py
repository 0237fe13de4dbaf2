"""Credentials of functions with SnapStart, from a server as Lambda runs one beside them."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from adapter.calls.endpoint import credentials
from adapter.calls.sigv4 import Credentials
from adapter.errors import ServeError

KEYS = {"AccessKeyId": "AKID", "SecretAccessKey": "secret", "Token": "session"}


@dataclass
class Served:
    """What the server answers, and who has asked."""

    status: int = 200
    body: bytes = b"{}"
    tokens: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)

    def hands_out(self, *, for_s: int, key: str = "AKID") -> None:
        end = datetime.now(UTC) + timedelta(seconds=for_s)
        told = {**KEYS, "AccessKeyId": key, "Expiration": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
        self.body = json.dumps(told).encode()


@pytest.fixture
def served() -> Iterator[Served]:
    found = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.tokens.append(self.headers["Authorization"])
            self.send_response(found.status)
            self.send_header("content-length", str(len(found.body)))
            self.end_headers()
            self.wfile.write(found.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        found.environ = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{server.server_port}/keys",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a token",
        }
        yield found
        server.shutdown()
        thread.join()


def test_they_are_asked_for_once_while_they_last(served: Served) -> None:
    served.hands_out(for_s=3_600)

    twice = [credentials(served.environ), credentials(served.environ)]

    assert twice == [Credentials("AKID", "secret", "session")] * 2
    assert served.tokens == ["a token"]


def test_what_is_about_to_run_out_is_renewed(served: Served) -> None:
    served.hands_out(for_s=30)
    credentials(served.environ)
    served.hands_out(for_s=3_600, key="NEW")

    assert credentials(served.environ).access_key == "NEW"


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b"{}"), (200, b"{}"), (200, b"[]"), (200, b"no JSON")],
)
def test_no_credentials_are_one_clear_error(served: Served, status: int, body: bytes) -> None:
    served.status, served.body = status, body

    with pytest.raises(ServeError, match="no AWS credentials: http://127"):
        credentials(served.environ)


def test_the_token_does_not_leave_the_machine() -> None:
    environ = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/keys"}

    with pytest.raises(ServeError, match="must be an http address of this machine"):
        credentials(environ)

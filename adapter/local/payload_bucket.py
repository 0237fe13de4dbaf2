"""A bucket of S3 for large payloads, on the port of Lambda's API: PUT and GET of objects.

Like that API it admits anybody on this machine but web pages, and looks at no signature.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from adapter.local.asgi import ClientGoneError, respond
from adapter.local.lambda_api import is_of_a_web_page
from adapter.plan.values import FunctionPlan

BUCKET = "adapter-run"
_OBJECT = re.compile(rf"/{BUCKET}/calls/(?P<name>[0-9a-f]{{32}})")


class PayloadBucket:
    """Keeps objects in a folder; every request that names none goes to the application behind."""

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self._app = app
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        match = _OBJECT.fullmatch(scope.get("path", ""))
        method = scope.get("method")  # a WebSocket has none
        if match is None or method not in ("GET", "PUT") or is_of_a_web_page(scope):
            await self._app(scope, receive, send)
            return
        path = self._folder / match["name"]
        if method == "GET":
            await _send(send, path)
            return
        try:
            self._folder.mkdir(exist_ok=True)
            await _keep(receive, path)
        except ClientGoneError:
            return
        await respond(send, 200, [(b"content-length", b"0")])


async def _keep(receive: Receive, path: Path) -> None:
    """Write a request's body; it appears as a whole. Raises `ClientGoneError` where it is cut."""
    unfinished = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
    try:
        with unfinished.open("wb") as file:
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGoneError
                file.write(message.get("body", b""))
                more = message.get("more_body", False)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


async def _send(send: Send, path: Path) -> None:
    status, kind, body = _read(path)
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    await respond(send, status, headers, body)


def _read(path: Path) -> tuple[int, bytes, bytes]:
    try:
        return 200, b"binary/octet-stream", path.read_bytes()
    except FileNotFoundError:
        error = b"<Error><Code>NoSuchKey</Code><Message>There is no such key.</Message></Error>"
        return 404, b"application/xml", error


def payload_variables(plan: FunctionPlan, lambda_url: str) -> Mapping[str, str]:
    """Return the variables that tell a function of its payload bucket, if it has one."""
    if not plan.large_payloads:
        return {}
    return {"ADAPTER_PAYLOAD_BUCKET": BUCKET, "ADAPTER_PAYLOAD_ENDPOINT": lambda_url}

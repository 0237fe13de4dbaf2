"""The bucket of `adapter run`, as our own client of S3 and boto3 use it."""

import asyncio
import os
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from adapter.calls.payloads import Payloads
from adapter.calls.shape import PAYLOAD
from adapter.errors import InvocationError
from adapter.local.payload_bucket import BUCKET, PayloadBucket, payload_variables
from tests.local.world import Served, application_plan, function_plan, serving

KEY = "calls/" + "0" * 32


def store(served: Served) -> Payloads:
    variables = payload_variables(function_plan(large_payloads=True), served.server.lambda_url)
    keys = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    return Payloads({**variables, **keys})


async def test_objects_are_kept_until_the_end() -> None:
    async with serving(application_plan(function_plan())) as served:
        data = os.urandom(8 * 1024 * 1024)
        reference = (await store(served).put(data))[PAYLOAD]
        folder = served.server._folder

        assert await store(served).get(reference) == data
        assert [path.read_bytes() for path in folder.glob("payloads/*")] == [data]
    assert not folder.exists()


async def test_an_object_that_was_never_put_is_not_found() -> None:
    async with serving(application_plan(function_plan())) as served:
        reference = {"bucket": BUCKET, "key": KEY, "sha256": ""}
        with pytest.raises(InvocationError, match="NoSuchKey") as caught:
            await store(served).get(reference)

    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", f"/{BUCKET}/other"),
        ("PUT", f"/{BUCKET}/calls/../../outside"),
        ("PUT", f"/{BUCKET}/calls/..%2F..%2Foutside"),
        ("PUT", f"/another/{KEY}"),
        ("GET", f"/{BUCKET}/"),
        ("DELETE", f"/{BUCKET}/{KEY}"),
    ],
)
async def test_nothing_but_payloads_is_served(method: str, path: str) -> None:
    async with serving(application_plan(function_plan())) as served:
        url = served.server.lambda_url + path
        answer = await asyncio.to_thread(httpx2.request, method, url, content=b"x")
        kept = list(served.server._folder.glob("payloads/**/*"))

    assert answer.status_code == 404
    assert kept == []


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("headers", [{"origin": "https://example.com"}, {"host": "example.com"}])
async def test_web_pages_neither_read_nor_write(method: str, headers: dict[str, str]) -> None:
    async with serving(application_plan(function_plan())) as served:
        reference = (await store(served).put(b"1"))[PAYLOAD]
        url = f"{served.server.lambda_url}/{BUCKET}/{reference['key']}"
        answer = await asyncio.to_thread(
            httpx2.request,
            method,
            url,
            content=b"x",
            headers=headers,
        )

        assert answer.status_code == 403
        assert await store(served).get(reference) == b"1"


async def test_a_web_socket_is_no_object() -> None:
    async with serving(application_plan(function_plan())) as served:
        url = served.server.lambda_url.replace("http", "ws", 1)
        with pytest.raises(InvalidStatus) as caught:
            await connect(f"{url}/{BUCKET}/{KEY}")

    assert caught.value.response.status_code == 403


async def test_an_upload_that_breaks_off_leaves_no_object() -> None:
    async with serving(application_plan(function_plan())) as served:
        host, port = served.server.lambda_url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        head = f"PUT /{BUCKET}/{KEY} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 100\r\n\r\n"
        writer.write(head.encode() + b"x" * 50)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        with pytest.raises(InvocationError, match="NoSuchKey"):
            await store(served).get({"bucket": BUCKET, "key": KEY, "sha256": ""})


def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    said = iter([{"type": "http.request", "body": b"x", "more_body": True}, GONE])

    async def receive() -> Any:
        return next(said)

    async def send(_: Any) -> None: ...

    scope = {"type": "http", "method": "PUT", "path": f"/{BUCKET}/{KEY}", "headers": [LOCAL]}
    asyncio.run(PayloadBucket(no_other, tmp_path)(scope, receive, send))

    assert list(tmp_path.iterdir()) == []


async def no_other(_: Any, __: Any, ___: Any) -> None:
    raise AssertionError


GONE = {"type": "http.disconnect"}
LOCAL = (b"host", b"127.0.0.1:3001")


def test_functions_without_large_payloads_are_told_nothing() -> None:
    assert payload_variables(function_plan(), "http://127.0.0.1:1") == {}

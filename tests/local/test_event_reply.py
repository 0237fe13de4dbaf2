"""InvokeWithResponseStream as real boto3 clients use it."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from adapter.local.events import EventQueue
from adapter.local.invocation import Answer
from adapter.local.lambda_api import LambdaApi
from adapter.plan.values import Concurrency
from tests.local.scripted import Client, Scripted, listening
from tests.local.world import Records, function_plan

PATH = "/2021-11-15/functions/Echo/response-streaming-invocations"


class Served:
    """Lambda's API before one function, and a boto3 client that tries once."""

    def __init__(self, url: str, records: Records) -> None:
        self.url = url
        self.records = records
        self.client: Any = boto3.client(
            "lambda",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}),
        )

    async def call(self, **more: Any) -> Any:
        """Invoke; the answer's events can be read one by one."""
        given = {"FunctionName": "Echo", **more}
        return await asyncio.to_thread(self.client.invoke_with_response_stream, **given)

    async def refused(self, **more: Any) -> tuple[int, str]:
        """Invoke what is refused; return status and error code."""
        with pytest.raises(ClientError) as caught:
            await self.call(**more)
        answer: Any = caught.value.response
        return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


@contextlib.asynccontextmanager
async def _api(function: Scripted) -> AsyncIterator[Served]:
    records = Records()
    events = EventQueue(records.log)
    api = LambdaApi(records.log, events)
    api.functions = {"Echo": function}
    async with listening(api) as url:
        served = Served(url, records)
        with contextlib.closing(served.client):
            yield served
    await events.close()


async def _next(events: Iterator[dict[str, Any]]) -> dict[str, Any] | None:
    return await asyncio.to_thread(next, events, None)


async def _all(call: Any) -> list[dict[str, Any]]:
    return await asyncio.to_thread(list, call["EventStream"])


async def test_each_piece_arrives_before_the_next_one_is_made() -> None:
    function = Scripted(content_type="application/x-ndjson")
    async with _api(function) as served:
        function.send(b"one")
        call = await served.call(Payload=b'{"method": "tokens", "context": {"caller": "Gateway"}}')
        events = iter(call["EventStream"])
        read = [await _next(events)]
        function.send(b"two\x00\xff")
        read.append(await _next(events))
        function.end(duration_ms=7.0)
        read += [await _next(events), await _next(events)]
        (record,) = served.records.of("invocation")

    assert (call["StatusCode"], call["ExecutedVersion"]) == (200, "$LATEST")
    assert call["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    assert read == [
        {"PayloadChunk": {"Payload": b"one"}},
        {"PayloadChunk": {"Payload": b"two\x00\xff"}},
        {"InvokeComplete": {}},
        None,
    ]
    assert (record["label"], record["caller"], record["status"]) == ("tokens", "Gateway", "ok")
    assert (record["streamed"], record["bytes"], record["duration_ms"]) == (True, 8, 7.0)


async def test_a_whole_answer_is_one_chunk() -> None:
    function = Scripted(Answer(payload=b'{"a": 1}'))
    async with _api(function) as served:
        events = await _all(await served.call())
        (record,) = served.records.of("invocation")

    assert events == [{"PayloadChunk": {"Payload": b'{"a": 1}'}}, {"InvokeComplete": {}}]
    assert not record["streamed"]


async def test_a_whole_answer_that_is_an_error_is_told_twice() -> None:
    error = b'{"errorType": "KeyError", "errorMessage": "\xc3\xbc"}'
    function = Scripted(Answer(payload=error, error_type="KeyError"))
    async with _api(function) as served:
        events = await _all(await served.call())
        (record,) = served.records.of("invocation")

    assert events == [
        {"PayloadChunk": {"Payload": error}},
        {"InvokeComplete": {"ErrorCode": "KeyError", "ErrorDetails": error.decode()}},
    ]
    assert (record["status"], record["error"]) == ("error", "KeyError")


@pytest.mark.parametrize("sent", [[], [b"some"]])
async def test_a_stream_that_breaks_off_ends_with_its_error(sent: list[bytes]) -> None:
    function = Scripted()
    function.send(*sent)
    function.fail("Function.KeyError")
    async with _api(function) as served:
        *chunks, end = await _all(await served.call())
        (record,) = served.records.of("invocation")

    details = end["InvokeComplete"]["ErrorDetails"]
    assert end["InvokeComplete"]["ErrorCode"] == "Function.KeyError"
    assert "on purpose" in details
    assert [chunk["PayloadChunk"]["Payload"] for chunk in chunks] == sent or [details.encode()]
    assert (record["status"], record["error"]) == ("error", "Function.KeyError")


async def test_the_log_tail_comes_with_the_end() -> None:
    function = Scripted()
    function.send(b"x")
    function.end(log_tail=b"printed\n")
    async with _api(function) as served:
        *_, end = await _all(await served.call(LogType="Tail"))

    log = base64.b64decode(end["InvokeComplete"]["LogResult"]).decode()
    assert log.startswith("START RequestId: ")
    assert "\nprinted\nEND RequestId: " in log


async def test_dry_run_runs_nothing() -> None:
    function = Scripted()
    async with _api(function) as served:
        call = await served.call(InvocationType="DryRun")
        call["EventStream"].close()

    assert call["StatusCode"] == 204
    assert function.events == []


async def test_a_qualifier_names_an_alias() -> None:
    function = Scripted(Answer(payload=b"1"))
    function.plan = function_plan(concurrency=Concurrency(provisioned=1))
    async with _api(function) as served:
        call = await served.call(Qualifier="live")
        await _all(call)
        refused = await served.refused(Qualifier="other")

    assert call["ExecutedVersion"] == "1"
    assert refused == (404, "ResourceNotFoundException")


async def test_what_cannot_be_invoked_is_refused() -> None:
    function = Scripted()
    async with _api(function) as served:
        assert await served.refused(FunctionName="Nobody") == (404, "ResourceNotFoundException")
        assert await served.refused(Payload=b"{") == (400, "InvalidRequestContentException")
        assert await served.refused(Payload=b'"%s"' % (b"x" * 6_291_556)) == (
            413,
            "RequestTooLargeException",
        )
        assert await served.refused(InvocationType="Event") == (
            400,
            "InvalidParameterValueException",
        )

    assert function.events == []


async def test_above_the_reserved_concurrency_there_are_too_many_requests() -> None:
    function = Scripted()
    function.throttled = True
    async with _api(function) as served:
        refused = await served.refused()
        (record,) = served.records.of("invocation")

    assert refused == (429, "TooManyRequestsException")
    assert record["error"] == "TooManyRequestsException"


async def test_a_caller_that_stops_reading_cancels_the_invocation() -> None:
    function = Scripted()
    async with _api(function) as served:
        function.send(b"some")
        call = await served.call()
        events = call["EventStream"]
        await _next(iter(events))
        await asyncio.to_thread(events.close)
        await function.cancelled.wait()
        (record,) = await served.records.wait_for("invocation")

    assert (record["status"], record["error"]) == ("cancelled", "")
    assert (record["streamed"], record["bytes"]) == (True, 4)


@pytest.mark.parametrize("path", [PATH, "/2015-03-31/functions/Echo/invocations"])
async def test_a_caller_that_hangs_up_before_the_answer_cancels_the_invocation(path: str) -> None:
    function = Scripted()
    function.opened.clear()
    async with _api(function) as served, Client.of(served.url) as client:
        client.ask(path, method="POST")
        await function.entered.wait()
        client.hang_up()
        await function.cancelled.wait()
        (record,) = await served.records.wait_for("invocation")

    assert (record["status"], record["error"]) == ("cancelled", "")


async def test_a_caller_that_hangs_up_does_not_end_an_event() -> None:
    function = Scripted(Answer(payload=b"null"))
    function.opened.clear()
    async with _api(function) as served:
        async with Client.of(served.url) as client:
            client.writer.write(
                b"POST /2015-03-31/functions/Echo/invocations HTTP/1.1\r\nHost: localhost\r\n"
                b"X-Amz-Invocation-Type: Event\r\nContent-Length: 0\r\n\r\n",
            )
            head = await client.head()
        function.opened.set()
        (record,) = await served.records.wait_for("invocation")

    assert (head.status, record["status"]) == (202, "ok")


async def test_a_web_page_cannot_invoke() -> None:
    async with _api(Scripted()) as served, Client.of(served.url) as client:
        client.writer.write(f"POST {PATH} HTTP/1.1\r\nHost: evil.example\r\n\r\n".encode())
        head = await client.head()

    assert head.status == 403

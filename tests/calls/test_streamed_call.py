import json
from typing import Any

import pytest

from adapter.calls.streamed_call import StreamedCall
from adapter.errors import InvalidCall, InvocationError, RemoteError
from tests.calls.events import END, chunk, complete, frames, item, message

ERROR = {"errorType": "KeyError", "errorMessage": "'x'", "stackTrace": ["  File a\n"]}


def read(*data: bytes) -> list[Any]:
    streamed = StreamedCall("stack-Model", "Model")
    return [found for piece in data for found in streamed.feed(piece)]


def test_items_come_out_of_chunks_that_are_cut_anywhere() -> None:
    lines = frames(1, "é", [2])

    for at in range(len(lines)):
        assert read(chunk(lines[:at]) + chunk(lines[at:]), complete()) == [1, "é", [2]]


def test_stream_is_complete_with_its_end_frame() -> None:
    streamed = StreamedCall("Model", "Model")
    assert list(streamed.feed(item(1))) == [1]
    assert not streamed.complete

    list(streamed.feed(END))
    assert streamed.complete


def test_error_frame_is_the_callees_exception() -> None:
    with pytest.raises(KeyError, match="KeyError in deployment Model: 'x'\n\n  File a"):
        read(item(1), chunk(json.dumps({"error": ERROR}).encode() + b"\n"))


@pytest.mark.parametrize(
    "data",
    [
        chunk(json.dumps(ERROR).encode())
        + complete(ErrorCode="KeyError", ErrorDetails=json.dumps(ERROR)),
        chunk(json.dumps(ERROR).encode()) + complete(ErrorCode="Unhandled"),
        item(1) + complete(ErrorCode="Unhandled", ErrorDetails=json.dumps(ERROR)),
        item(1) + complete(ErrorCode="KeyError", ErrorDetails=json.dumps({"errorMessage": "'x'"})),
        item(1) + complete(ErrorCode="KeyError", ErrorDetails="'x'"),
    ],
)
def test_failed_invocation_is_the_callees_exception(data: bytes) -> None:
    with pytest.raises(KeyError, match="KeyError in deployment Model: 'x'") as caught:
        read(data)

    assert isinstance(caught.value, RemoteError)


def test_error_that_lambda_declares_has_its_name() -> None:
    with pytest.raises(RemoteError) as caught:
        read(item(1), complete(ErrorCode="Sandbox.Timedout", ErrorDetails="Task timed out"))

    assert (caught.value.error_type, caught.value.message) == ("Sandbox.Timedout", "Task timed out")


def test_what_the_function_does_after_its_last_item_is_not_the_callers() -> None:
    assert read(chunk(frames(1)), complete(ErrorCode="Unhandled", ErrorDetails="late")) == [1]


def test_stream_without_its_end_frame_is_interrupted() -> None:
    with pytest.raises(InvocationError, match="stack-Model: StreamInterrupted: the stream broke"):
        read(item(1), complete())


def test_answer_of_a_function_that_knows_no_streams_is_shown() -> None:
    with pytest.raises(InvocationError, match=r"no stream of items: b'{\"statusCode\": 200}'"):
        read(chunk(b'{"statusCode": 200}'), complete())


def test_line_that_is_no_frame_is_an_invalid_call() -> None:
    with pytest.raises(InvalidCall, match="not a frame of a stream: b'text'"):
        read(chunk(b"text\n"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (
            message(b'{"Message": "m"}', message_type="exception", exception_type="EC2Throttled"),
            "EC2Throttled: m",
        ),
        (message(b"", message_type="error", error_code="500", error_message="m"), "500: m"),
        (b"no event stream at all", "StreamInterrupted: the checksum"),
    ],
)
def test_error_of_the_stream_itself_is_an_invocation_error(data: bytes, reason: str) -> None:
    with pytest.raises(InvocationError, match=f"stack-Model: {reason}"):
        read(data)


def test_message_of_an_unknown_kind_is_passed_over() -> None:
    assert read(message(b"?", event_type="Future", message_type="event"), chunk(frames(1))) == [1]

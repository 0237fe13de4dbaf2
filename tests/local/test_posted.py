"""Posts as a Runtime API reads them; how it treats the invocation is in test_runtime_api.py."""

import asyncio
import base64
import json

import pytest

from adapter.http1 import ProtocolError
from adapter.local import posted
from adapter.local.invocation import MAX_STREAM
from adapter.local.posted import Posted, drop, pass_on, read_whole

CHUNKED = {"transfer-encoding": "chunked"}
TYPE = "Lambda-Runtime-Function-Error-Type: Function.KeyError\r\n"


def _reader(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


async def _streamed(data: bytes) -> tuple[Posted, list[bytes]]:
    pieces: list[bytes] = []

    async def keep(piece: bytes) -> None:
        pieces.append(piece)

    return await pass_on(_reader(data), CHUNKED, keep), pieces


async def test_a_stream_is_handed_on_piece_by_piece() -> None:
    answer, pieces = await _streamed(b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n")

    assert (answer, pieces) == (Posted(), [b"a", b"bc"])


async def test_trailers_make_it_a_failure_with_their_error_object() -> None:
    error = {"errorType": "KeyError", "errorMessage": "ü", "stackTrace": []}
    body = base64.b64encode(json.dumps(error).encode()).decode()
    trailers = f"{TYPE}Lambda-Runtime-Function-Error-Body: {body}\r\n"
    answer, pieces = await _streamed(b"1\r\na\r\n0\r\n" + trailers.encode() + b"\r\n")

    assert (answer.failed, json.loads(answer.payload), pieces) == (True, error, [b"a"])


@pytest.mark.parametrize("body", ["", "Lambda-Runtime-Function-Error-Body: no base64!\r\n"])
async def test_without_a_readable_error_object_there_is_the_type(body: str) -> None:
    answer, _ = await _streamed(b"0\r\n" + (TYPE + body).encode() + b"\r\n")

    assert answer.failed
    assert json.loads(answer.payload)["errorType"] == "Function.KeyError"


async def test_other_trailers_mean_nothing() -> None:
    answer, _ = await _streamed(b"0\r\nServer-Timing: a\r\n\r\n")

    assert answer == Posted()


async def test_a_stream_above_the_limit_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posted, "MAX_STREAM", 3)
    within, _ = await _streamed(b"3\r\nabc\r\n0\r\n\r\n")
    above, pieces = await _streamed(b"3\r\nabc\r\n1\r\nd\r\n")

    assert MAX_STREAM == 209_715_200
    assert (within.above, above.above, pieces) == (None, 3, [b"abc"])


async def test_a_cut_is_an_error_however_it_is_read() -> None:
    for read in (_streamed(b"3\r\nab"), drop(_reader(b"3\r\nab"), CHUNKED)):
        with pytest.raises(ProtocolError):
            await read
    with pytest.raises(ProtocolError):
        await read_whole(_reader(b"ab"), {"content-length": "3"}, failed=False)


@pytest.mark.parametrize("length", ["", "3x", "-1", "²"])
async def test_a_content_length_that_is_no_number_is_an_error(length: str) -> None:
    with pytest.raises(ProtocolError, match="not a content length"):
        await read_whole(_reader(b"abc"), {"content-length": length}, failed=False)

"""Posts as a Runtime API reads them; how it treats the invocation is in test_runtime_api.py."""

import base64
import json
from collections.abc import AsyncIterator

import pytest

from adapter.http1 import ProtocolError
from adapter.local import posted
from adapter.local.invocation import MAX_STREAM
from adapter.local.posted import Posted, drop, pass_on, read_whole
from adapter.messages import Messages

CHUNKED = {"transfer-encoding": "chunked"}
TYPE = "Lambda-Runtime-Function-Error-Type: Function.KeyError\r\n"


class _Arrived(Messages):
    """What has come over a connection that has ended."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._received += data

    async def _more(self, where: str) -> None:
        raise ProtocolError(f"connection closed {where}")


def _body(data: bytes, headers: dict[str, str] = CHUNKED) -> AsyncIterator[bytes]:
    return _Arrived(data).pieces(headers)


async def _streamed(data: bytes) -> tuple[Posted, list[bytes]]:
    pieces: list[bytes] = []

    async def keep(piece: bytes) -> None:
        pieces.append(piece)

    trailers: dict[str, str] = {}
    return await pass_on(_Arrived(data).pieces(CHUNKED, trailers), trailers, keep), pieces


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
    for read in (_streamed(b"3\r\nab"), drop(_body(b"3\r\nab"))):
        with pytest.raises(ProtocolError):
            await read
    with pytest.raises(ProtocolError):
        await read_whole(_body(b"ab", {"content-length": "3"}), failed=False)


@pytest.mark.parametrize("length", ["", "3x", "-1", "²"])
async def test_a_content_length_that_is_no_number_is_an_error(length: str) -> None:
    with pytest.raises(ProtocolError, match="not a content length"):
        await read_whole(_body(b"abc", {"content-length": length}), failed=False)

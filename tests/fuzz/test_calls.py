"""Calls and their answers: whatever comes over the wire is a value or an error with a name."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.calls import codec
from adapter.calls.api import refusal
from adapter.calls.error_object import function_error, is_error_object
from adapter.calls.event_stream import EventStreamError, EventStreamReader
from adapter.calls.frames import FrameReader
from adapter.calls.shape import is_call
from adapter.calls.streamed_call import StreamedCall
from adapter.errors import InvalidCall, InvocationError, RemoteError
from adapter.http1 import Response
from tests.calls import events as streams
from tests.fuzz import functions, mutations, pieces, tagged
from tests.fuzz.functions import Methods
from tests.fuzz.mutations import JsonText
from tests.fuzz.outcomes import Received, assert_items, assert_named
from tests.fuzz.watch import LONG_EXAMPLES, watched

pytestmark = pytest.mark.filterwarnings(LONG_EXAMPLES)


@given(text=mutations.json_texts(tagged.values()) | st.binary() | mutations.texts())
def test_value_on_the_wire(text: JsonText | bytes | str) -> None:
    data = text.text if isinstance(text, JsonText) else text
    with watched():
        try:
            value = codec.loads(data)
        except InvalidCall:
            return
        codec.loads(codec.dumps(value, objects=True))


@given(text=mutations.json_texts(tagged.calls()), streams=st.booleans())
def test_call_event(text: JsonText, streams: bool) -> None:  # noqa: FBT001 - drawn
    received = Received(streams=streams)
    with functions.plain() as function, watched():
        called = text.read()
        try:
            function.complete(function.serve(called, None, received))
        except Exception as error:  # noqa: BLE001 - every error is looked at
            assert_named(error, of_a_call=is_call(called))
            return
        if is_call(called) and called["context"].get("stream") is True:
            assert received.pieces is None or received.ended == "end"
            assert_items(received.result or b"".join(received.pieces or ()))


def read_in_pieces(
    reader: Any,
    cuts: list[bytes],
    allowed: tuple[type[Exception], ...],
) -> Iterator[Any]:
    """Yield what a reader reads, and at the end the error it raises, if it is an allowed one."""
    try:
        for cut in cuts:
            yield from reader.feed(cut)
    except allowed as error:
        yield type(error), str(error)


def assert_same_however_cut(
    make: Callable[[], Any],
    data: bytes,
    cut: pieces.Cut,
    *allowed: type[Exception],
) -> None:
    """Assert that a reader reads the same of bytes that come whole, in pieces, one by one."""
    with watched():
        whole = list(read_in_pieces(make(), [data], allowed))
        for cuts in (cut(data), pieces.one_by_one(data)):
            assert repr(list(read_in_pieces(make(), cuts, allowed))) == repr(whole)


@given(data=tagged.event_streams(), cut=pieces.cuts())
def test_event_stream(data: bytes, cut: pieces.Cut) -> None:
    assert_same_however_cut(EventStreamReader, data, cut, EventStreamError)


@given(data=tagged.frames(), cut=pieces.cuts())
def test_frames(data: bytes, cut: pieces.Cut) -> None:
    assert_same_however_cut(lambda: FrameReader("Model"), data, cut, InvalidCall, RemoteError)


@given(data=tagged.event_streams(), cut=pieces.cuts())
def test_streamed_call(data: bytes, cut: pieces.Cut) -> None:
    allowed = (InvalidCall, InvocationError, RemoteError)
    assert_same_however_cut(lambda: StreamedCall("model", "Model"), data, cut, *allowed)


@given(
    body=tagged.error_objects().map(lambda found: mutations.written(found).encode()) | st.binary(),
    status=st.integers(100, 999),
    headers=st.dictionaries(st.just("x-amzn-errortype"), st.text(st.characters(max_codepoint=255))),
)
def test_error_of_a_function_and_of_the_api(
    body: bytes,
    status: int,
    headers: dict[str, str],
) -> None:
    with watched():
        is_error_object(body)
        error = function_error("Model", body)
        assert isinstance(error, RemoteError)
        assert str(error)
        assert isinstance(refusal("model", Response(status, headers, body)), InvocationError)


def test_methods_are_those_that_calls_name() -> None:
    assert set(tagged.METHODS) <= {*vars(Methods), "__call__", "missing"}


def test_event_stream_of_the_tests_is_one() -> None:
    reader = StreamedCall("model", "Model")

    assert list(reader.feed(streams.item(1) + streams.END)) == [1]

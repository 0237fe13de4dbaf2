"""Any event: an answer in its sender's shape, null for {}, or an error with a name."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adapter.calls.shape import is_call
from adapter.errors import UnsupportedEvent
from adapter.function import Function
from adapter.http.detect import is_http, is_web_socket
from tests.fuzz import corpus, functions, mutations
from tests.fuzz.corpus import possible_shapes
from tests.fuzz.functions import Echo
from tests.fuzz.mutations import JsonText
from tests.fuzz.outcomes import Received, assert_items, assert_named, assert_served, whole_answer
from tests.fuzz.watch import LONG_EXAMPLES, watched

pytestmark = pytest.mark.filterwarnings(LONG_EXAMPLES)

CONTEXT = SimpleNamespace(aws_request_id="5b1f0f86-2c63-4f9a-9d0b-7a7f3c0f4e21")


def invoke(function: Function, event: Any, echo: Echo, excluded: list[str], **how: bool) -> None:
    """Invoke a function and check what comes of it; WebSockets are in `test_sockets`."""
    assume(is_http(event) or not is_web_socket(event))
    called = is_call(event)
    received = Received(streams=how.get("streams", False))
    try:
        function.complete(function.serve(event, CONTEXT, received))
    except (SystemExit, KeyboardInterrupt, asyncio.CancelledError):
        raise
    except Exception as error:  # noqa: BLE001 - every error is looked at
        assert not received.answered, "an answer and an error"
        assert_named(error, of_a_call=called)
        return
    if not called or isinstance(received.result, dict):
        assert_served(event, received, echo, excluded)
    elif received.pieces is not None:
        assert received.ended == "end"
        assert_items(b"".join(received.pieces))
    elif isinstance(received.result, bytes):
        assert_items(received.result)


@given(text=mutations.event_texts(), settings=functions.settings())
def test_event_to_an_application(text: JsonText, settings: dict[str, Any]) -> None:
    echo = Echo()
    with functions.bare(echo, **settings) as function, watched():
        invoke(function, text.read(), echo, settings.get("exclude_headers", []))


@given(
    text=mutations.event_texts(),
    variables=functions.variables(),
    streams=st.booleans(),
)
def test_event_to_a_deployment(
    text: JsonText,
    variables: dict[str, str],
    streams: bool,  # noqa: FBT001 - drawn
) -> None:
    echo = Echo()
    with functions.deployed(echo, **variables) as function, watched():
        invoke(function, text.read(), echo, [], streams=streams)


@given(text=mutations.event_texts())
def test_event_to_a_deployment_without_ingress(text: JsonText) -> None:
    received = Received(streams=False)
    with functions.plain() as function, watched():
        event = text.read()
        try:
            function.complete(function.serve(event, CONTEXT, received))
        except Exception as error:  # noqa: BLE001 - every error is looked at
            assert_named(error, of_a_call=is_call(event))
        else:
            assert received.answered
            if event != {} and not is_call(event):
                whole_answer(received.result, possible_shapes(event))


@pytest.mark.parametrize("name", corpus.HTTP)
def test_event_of_a_gateway_is_served_in_its_shape(name: str) -> None:
    shape, echo = corpus.shape_of(name), Echo()
    assert shape is not None
    with functions.bare(echo) as function, watched() as records:
        answer = whole_answer(function(corpus.EVENTS[name]), {shape})

    assert answer.status == 200
    assert len(echo.scopes) == 1
    assert not records


@pytest.mark.parametrize("name", corpus.OTHER)
def test_event_of_anything_else_is_refused_by_name(name: str) -> None:
    echo = Echo()
    with functions.bare(echo) as function, pytest.raises(UnsupportedEvent):
        function(corpus.EVENTS[name])

    assert not echo.scopes


@pytest.mark.parametrize("name", corpus.CALLS)
def test_call_is_answered(name: str) -> None:
    with functions.plain() as function, watched():
        assert function(corpus.EVENTS[name])


def test_warm_up_is_answered_with_null() -> None:
    echo = Echo()
    with functions.bare(echo) as function:
        assert function(corpus.EVENTS["warm-up"]) is None

"""Any event of a WebSocket: an answer with a status, or an error with a name."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.errors import UnsupportedEvent
from adapter.http.detect import is_http, is_web_socket
from tests.fuzz import corpus, functions, mutations
from tests.fuzz.functions import Echo
from tests.fuzz.mutations import JsonText
from tests.fuzz.outcomes import Received, assert_named
from tests.fuzz.watch import LONG_EXAMPLES, watched
from tests.sockets.clients import Clients, served

pytestmark = pytest.mark.filterwarnings(LONG_EXAMPLES)

STATUSES = {200, 400, 404}
PATHS = {"live": "/socket"}


@given(
    texts=st.lists(mutations.socket_texts(), min_size=1, max_size=4),
    streams=st.booleans(),
)
def test_events_of_web_sockets(
    texts: list[JsonText],
    streams: bool,  # noqa: FBT001 - drawn
) -> None:
    echo, clients = Echo(), Clients()
    function = served(echo, clients, socket_paths=PATHS)
    with watched():
        for event in (text.read() for text in texts):
            if is_web_socket(event) and not is_http(event):
                invoke(function, event, streams=streams)
        function.close()
    for scope in echo.sockets:
        assert scope["path"].startswith("/")
        scope["path"].encode()
        scope["raw_path"].decode("ascii")
        scope["query_string"].decode("ascii")


def invoke(function: Any, event: Any, *, streams: bool) -> None:
    received = Received(streams=streams)
    try:
        function.complete(function.serve(event, None, received))
    except (SystemExit, KeyboardInterrupt, asyncio.CancelledError):
        raise
    except Exception as error:  # noqa: BLE001 - every error is looked at
        assert_named(error, of_a_call=False)
    else:
        assert received.result["statusCode"] in STATUSES


@pytest.mark.parametrize("name", corpus.SOCKETS)
def test_event_of_a_web_socket_api_is_served(name: str) -> None:
    echo, clients = Echo(), Clients()
    function = served(echo, clients, socket_paths=PATHS)
    with watched() as records:
        assert function(corpus.EVENTS[name]) == {"statusCode": 200}
        function.close()

    assert [scope["path"] for scope in echo.sockets] == ["/socket"]
    assert not records


def test_event_of_a_web_socket_is_refused_where_there_are_none() -> None:
    with functions.plain() as function, pytest.raises(UnsupportedEvent, match="no WebSocket"):
        function(corpus.EVENTS["websocket-connect"])

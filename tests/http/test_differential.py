"""The adapter behind every front door of AWS, held against uvicorn: nothing may differ.

The same random request goes to the same random application twice: over a socket to uvicorn, and as
the event of a front door to the adapter, whose result the front door makes a response of. Then what
the application saw and what the client got has to be equal, but for what that front door is
documented to lose: `tests.gateways.losses` has the table.
"""

import contextlib
import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import example, given, settings

from adapter.function import Function, lambda_handler
from adapter.responder import ResponseStream
from tests.gateways.edge import DISALLOWED, REFUSED_OF_ANY, Edge
from tests.gateways.gateway import Gateway
from tests.gateways.http_api import HttpApi
from tests.gateways.losses import LOSSES, left_of_response, left_of_seen
from tests.gateways.request import Request
from tests.gateways.response import Response
from tests.gateways.seen import Seen
from tests.gateways.stream import Interrupted, Stream
from tests.http.messages import FULL_ANSWER, FULL_REQUEST, HOST, answers, requests
from tests.http.played import Answer, Fault, Played
from tests.http.reference_server import BrokenOff, ReferenceServer, reference_server

SERVER_ERROR = Response(
    500,
    (("content-type", "text/plain; charset=utf-8"),),
    b"Internal Server Error",
)


class Streaming:
    """A responder that streams, as our own loop has one; it keeps what is sent."""

    streams = True

    def __init__(self) -> None:
        self.answered = False
        self.result: Any = None
        self._content_type = ""
        self._data = b""

    async def respond(self, result: Any) -> None:
        self.answered, self.result = True, result

    async def stream(self, content_type: str) -> ResponseStream:
        self.answered, self._content_type = True, content_type
        return self

    async def write(self, data: bytes) -> None:
        self._data += data

    async def end(self) -> None:
        self.result = Stream(content_type=self._content_type, data=self._data)

    async def fail(self, _error: BaseException) -> None:
        await self.end()
        self.result = replace(self.result, failed=True)


@dataclass
class Rig:
    """One application, behind a server and behind functions.

    The keys of `functions` are the base path and whether the function streams.
    """

    played: Played
    server: ReferenceServer
    functions: dict[tuple[str, bool], Function]

    def directly(self, request: Request) -> tuple[Seen, Response | None]:
        """Ask uvicorn; return what the application saw, and None for a response broken off."""
        response = None
        with contextlib.suppress(BrokenOff):
            response = self.server.ask(request)
        return self.played.seen(), response

    def behind(self, gateway: Gateway, request: Request) -> tuple[Seen, Response | None]:
        """Ask the adapter through a front door, by way of JSON."""
        event = json.loads(json.dumps(gateway.event(request)))
        function = self.functions[gateway.root_path, streams(gateway)]
        if streams(gateway):
            responder = Streaming()
            function.complete(function.serve(event, None, responder))
            result = responder.result
        else:
            result = json.loads(json.dumps(function(event, None)))
        response = None
        with contextlib.suppress(Interrupted):
            response = gateway.response(result)
        return self.played.seen(), response


def streams(gateway: Gateway) -> bool:
    """Whether a front door takes streams, and only them."""
    return getattr(gateway, "streams", False)


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    played = Played()
    with pytest.MonkeyPatch.context() as environment, contextlib.ExitStack() as stack:
        functions = {}
        for root_path, streaming in {(each.root_path, streams(each)) for each in LOSSES}:
            environment.setenv("ADAPTER_STREAMS", "url,rest" if streaming else "")
            function = lambda_handler(played, base_path=root_path, lifespan="off")
            stack.callback(function.close)
            functions[root_path, streaming] = function
        logging.disable()  # the applications fail on purpose
        stack.callback(logging.disable, logging.NOTSET)
        yield Rig(played, stack.enter_context(reference_server(played)), functions)


def expected_scope(gateway: Gateway, request: Request, direct: Seen) -> Seen:
    """Say what the application should see: what it saw directly, and what the gateway vouches for.

    Nothing but the front door names scheme, client and server.
    """
    scheme = gateway.scheme(request) or "https"
    return replace(
        left_of_seen(gateway, direct).below(gateway.root_path),
        scheme=scheme,
        client=request.client,
        server=(gateway.domain or "localhost", 80 if scheme == "http" else 443),
    )


def expected_response(
    gateway: Gateway,
    request: Request,
    answer: Answer,
    direct: Response | None,
) -> Response | None:
    """Say what the client should get: what it got directly, and a 500 where that is still possible.

    ASGI has the start of a response leave with its first body message. uvicorn sends it at once and
    can only break off when the application then fails; what is buffered can become a 500 later too.
    A response without a body is complete with its start. None is a response that is broken off.
    """
    without_body = request.method == "HEAD" or answer.status in {204, 304}
    if answer.fault is Fault.AFTER_A_PIECE and not without_body:
        direct = None if streams(gateway) else SERVER_ERROR
    elif answer.fault is not None and answer.fault is not Fault.AFTER_A_PIECE:
        direct = SERVER_ERROR._replace(body=b"") if request.method == "HEAD" else SERVER_ERROR
    return direct and left_of_response(gateway, direct)


def compare(rig: Rig, gateways: Iterable[Gateway], request: Request, answer: Answer) -> None:
    """Ask uvicorn once, and the adapter through each front door."""
    rig.played.answer = answer
    seen_directly, direct = rig.directly(request)
    for gateway in gateways:
        seen, response = rig.behind(gateway, request)
        response = response and left_of_response(gateway, response)
        what = gateway.name
        assert left_of_seen(gateway, seen) == expected_scope(gateway, request, seen_directly), what
        assert response == expected_response(gateway, request, answer, direct), what


@example(FULL_REQUEST, FULL_ANSWER)
@example(FULL_REQUEST, replace(FULL_ANSWER, headers=(), pieces=(b"one", b"two")))
@example(FULL_REQUEST, replace(FULL_ANSWER, fault=Fault.AFTER_A_PIECE))
@settings(deadline=None)
@given(request=requests(), answer=answers())
def test_the_adapter_is_like_uvicorn(rig: Rig, request: Request, answer: Answer) -> None:
    compare(rig, LOSSES, request, answer)


POST = Request(method="POST", headers=(("Host", HOST),))
VIEWER = Edge(event_type="viewer-request")  # takes 40 KB
ENCODED = [gateway for gateway in LOSSES if not isinstance(gateway, HttpApi)]


@pytest.mark.parametrize("fault", [None, *Fault])
def test_an_answer_to_head_has_no_body(rig: Rig, fault: Fault | None) -> None:
    headers = ((b"content-type", b"text/plain"), (b"content-length", b"4"))
    answer = Answer(headers=headers, pieces=(b"body",), fault=fault)

    compare(rig, LOSSES, replace(POST, method="HEAD"), answer)


@pytest.mark.parametrize("status", [204, 304])
def test_an_empty_answer_is_one_at_cloudfront(rig: Rig, status: int) -> None:
    compare(rig, [VIEWER], POST, Answer(status=status))


@pytest.mark.parametrize("name", sorted(DISALLOWED | REFUSED_OF_ANY))
def test_no_header_that_cloudfront_refuses_reaches_it(rig: Rig, name: str) -> None:
    name += "any" if name.endswith("-") else ""
    rig.played.answer = Answer(headers=((name.encode(), b"0"), (b"x-one", b"1")))
    for gateway in [gateway for gateway in LOSSES if isinstance(gateway, Edge)]:
        _, response = rig.behind(gateway, POST)
        assert response is not None
        assert ("x-one", "1") in response.headers


def test_a_path_of_bytes_that_are_no_text_arrives_as_it_is(rig: Rig) -> None:
    request = replace(POST, path="/%FF/%C3(/%ed%a0%80/%zz/%")
    compare(rig, ENCODED, request, Answer())


def test_a_large_body_arrives_and_leaves_as_it_is(rig: Rig) -> None:
    body = bytes(range(256)) * 2048
    headers = (*POST.headers, ("Content-Length", str(len(body))))
    gateways = [gateway for gateway in LOSSES if gateway != VIEWER]
    pieces = (body[:1000], body[1000:])

    compare(rig, gateways, replace(POST, headers=headers, body=body), Answer(pieces=pieces))

"""The loop and the local Runtime API, cut off from each other at every byte of an exchange.

Whatever breaks and wherever: an answer is whole or an error, no event is served twice, nothing
waits for ever, and the next invocation is served as if nothing had been.
"""

import asyncio
import contextlib
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, NamedTuple

import pytest

from adapter.local import runtime_api
from adapter.local.exchange import Exchange
from adapter.loop_thread import LoopThread
from adapter.responder import Responder
from adapter.runtime import client
from adapter.runtime.client import RuntimeApiLost
from adapter.runtime.context import FunctionSettings
from adapter.runtime.loop import serve
from tests.faults import NONE, Address, Fault, Proxy, proxied
from tests.local.world import invocation

PATIENCE_S = 60.0
PIECES = (b"one", b"two")
LOST = {"AnswerLost", "Runtime.ConnectionLost", "Runtime.TruncatedResponse"}


class Probe:
    """Answers as `kind` says, and counts how often it was asked to serve each event."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.served: Counter[int] = Counter()
        self.on_serve: Callable[[], None] = lambda: None

    def __call__(self, event: Any, context: Any) -> Any:
        raise NotImplementedError

    async def serve(self, event: Any, _context: Any, responder: Responder) -> None:
        self.served[event] += 1
        self.on_serve()
        if self.kind == "whole":
            await responder.respond([event])
            return
        stream = await responder.stream("text/plain")
        for piece in PIECES:
            await stream.write(piece)
        if self.kind == "failing stream":
            await stream.fail(LookupError("x"))
        await stream.end()

    def body(self, event: int) -> bytes:
        return json.dumps([event]).encode() if self.kind == "whole" else b"".join(PIECES)

    @property
    def end(self) -> str:
        """How an answer ends where nothing breaks."""
        return "LookupError" if self.kind == "failing stream" else ""


class Owner:
    """What the Runtime API tells; see `Observer`. Its invocations have no end of their own."""

    def __init__(self) -> None:
        self.idle = asyncio.Event()

    def polled(self, init: Mapping[str, float]) -> None:
        """See `Observer`."""

    def waiting(self) -> None:
        """See `Observer`."""
        self.idle.set()

    def begin(self, exchange: Exchange) -> int:
        """See `Observer`."""
        exchange.begin(asyncio.get_running_loop().call_later(3600, lambda: None))
        return 0

    def lost(self, exchange: Exchange) -> None:
        """See `Observer`."""

    def init_failed(self, payload: bytes) -> None:
        """See `Observer`."""
        raise AssertionError(payload)


class Exchanged(NamedTuple):
    """How many bytes an exchange has one way: of the poll and the event, and of the answer."""

    poll: int
    answer: int


class Link:
    """The loop and the API, and the proxy between."""

    def __init__(
        self,
        probe: Probe,
        api: runtime_api.RuntimeApi,
        owner: Owner,
        proxy: Proxy,
    ) -> None:
        self.probe = probe
        self.proxy = proxy
        self._api = api
        self._owner = owner
        self._events = 1000  # events of one length

    async def cut(self) -> None:
        """Cut the poll that waits, and wait for another one."""
        async with self._next_poll():
            await self.proxy.cut()

    async def invoke_and_poll(self) -> str:
        """Serve one event and wait for the poll after it."""
        async with self._next_poll():
            return await self.invoke()

    @contextlib.asynccontextmanager
    async def _next_poll(self) -> AsyncIterator[None]:
        self._owner.idle.clear()
        yield
        async with asyncio.timeout(PATIENCE_S):
            await self._owner.idle.wait()

    async def invoke(self) -> str:
        """Serve one event; return its error's type, empty for an answer that is whole."""
        self._events += 1
        exchange = Exchange(invocation(self._events))
        self._api.deliver(exchange)
        async with asyncio.timeout(PATIENCE_S):
            await exchange.begun()
            got = b"".join([piece async for piece in exchange.pieces()])
        expected = self.probe.body(self._events)
        times = self.probe.served[self._events]
        if error := exchange.answer.error_type or "":
            assert times <= 1
            assert expected.startswith(got)
        else:
            assert times == 1
            assert expected == (got or exchange.answer.payload)
        return error

    async def measure(self) -> dict[str, Exchanged]:
        """Count the bytes of one exchange over a new connection, for each way."""
        before = dict(self.proxy.passed)
        given = dict(before)
        await self.cut()
        self.probe.on_serve = lambda: given.update(self.proxy.passed)
        await self.invoke_and_poll()
        self.probe.on_serve = lambda: None
        after = dict(self.proxy.passed)
        after["server"] -= given["server"] - before["server"]  # the next poll
        return {
            way: Exchanged(poll=given[way] - before[way], answer=after[way] - given[way])
            for way in before
        }


@contextlib.asynccontextmanager
async def linked(kind: str, *, blocking: bool) -> AsyncIterator[Link]:
    """Run the loop against the API; `blocking` is how it waits where nothing else is in flight."""
    probe, owner = Probe(kind), Owner()
    api = runtime_api.RuntimeApi(owner)
    host, _, port = (await api.start()).partition(":")
    async with proxied(Address(host, int(port))) as proxy:
        thread = LoopThread("runtime")
        polling = client.RuntimeApi(proxy.address.text, blocking=blocking)
        work = thread.submit(serve([polling], probe, FunctionSettings(name="Probe")))
        yield Link(probe, api, owner, proxy)
        await proxy.stop()
        with contextlib.suppress(RuntimeApiLost):
            await asyncio.wrap_future(work)
        await asyncio.to_thread(thread.stop)
    await api.close()


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Let nothing pause for long: no process ends here, so there is no news of one to wait for."""
    monkeypatch.setattr(client, "PAUSE_S", 0.0)
    monkeypatch.setattr(runtime_api, "_LAST_WORDS_S", 0.002)
    caplog.set_level(logging.CRITICAL)


async def outcomes(link: Link, way: str, limits: range, *before: Fault) -> Counter[str]:
    """Cut a connection after each number of bytes, and count how the invocations end.

    It is the first connection, or the one after those that have the faults `before`.
    """
    found: Counter[str] = Counter()
    for limit in limits:
        for fault in before:
            link.proxy.next(to_server=fault)
        link.proxy.next(**{f"to_{way}": Fault(limit=limit, reset=limit % 2 == 1)})
        await link.cut()
        found[await link.invoke()] += 1
        assert await link.invoke_and_poll() == link.probe.end
    return found


def test_polls_and_whole_answers_may_be_cut_at_every_byte_that_the_runtime_sends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime_api, "_LAST_WORDS_S", 2.0)  # time enough to send an answer again

    async def scenario() -> Counter[str]:
        async with linked("whole", blocking=True) as link:
            return await outcomes(link, "server", range(sum((await link.measure())["server"])))

    found = asyncio.run(scenario())

    assert found.keys() <= {"", "Runtime.ConnectionLost"}
    assert found["Runtime.ConnectionLost"] <= 1  # cut when the poll was whole, and answered


def test_events_and_what_is_said_to_answers_may_be_cut_at_every_byte() -> None:
    async def scenario() -> tuple[Counter[str], Counter[str]]:
        async with linked("whole", blocking=True) as link:
            poll, answer = (await link.measure())["client"]
            return (
                await outcomes(link, "client", range(1, poll)),
                await outcomes(link, "client", range(poll + 1, poll + answer)),
            )

    events, answers = asyncio.run(scenario())

    assert events.keys() == {"Runtime.ConnectionLost"}  # the event may have been read
    assert answers.keys() == {""}  # it was taken, and what comes twice is refused


@pytest.mark.parametrize(
    ("kind", "ends"),
    [
        ("stream", {"", "AnswerLost", "Runtime.TruncatedResponse"}),
        ("failing stream", {"LookupError", "AnswerLost", "Runtime.TruncatedResponse"}),
    ],
)
def test_streams_may_be_cut_at_every_byte(kind: str, ends: set[str]) -> None:
    async def scenario() -> Counter[str]:
        async with linked(kind, blocking=True) as link:
            size = (await link.measure())["server"].answer
            return await outcomes(link, "server", range(size + 1), NONE)

    found = asyncio.run(scenario())

    assert found.keys() == ends


@pytest.mark.parametrize("kind", ["whole", "stream", "failing stream"])
@pytest.mark.parametrize("way", ["server", "client"])
def test_what_shares_its_event_loop_with_others_may_be_cut_anywhere(kind: str, way: str) -> None:
    async def scenario() -> Counter[str]:
        async with linked(kind, blocking=False) as link:
            size = (await link.measure())[way]
            return await outcomes(link, way, range(size.poll, sum(size), 5))

    ends = {"LookupError" if "failing" in kind else ""}
    assert asyncio.run(scenario()).keys() <= ends | LOST

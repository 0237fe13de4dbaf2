"""Handle calls to the local Lambda API, cut off at every byte.

Whatever breaks and wherever: a caller gets the whole result or an error, no call is made twice,
nothing waits for ever, and the next call is made as if nothing had been.
"""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from adapter.calls.client import LambdaTransport
from adapter.errors import InvocationError
from adapter.local.events import EventQueue
from adapter.local.invocation import Answer, Invocation, Reply, collected
from adapter.local.lambda_api import LambdaApi
from adapter.local.log import Log
from adapter.serve.channel import Channel, EndOfChannel
from adapter.serve.transport import Call
from tests.faults import Address, Fault, Proxy, proxied
from tests.local.scripted import listening
from tests.local.world import function_plan

PATIENCE_S = 60.0


class Callee:
    """Answers `[n]`, or with the frames of `n` and "end", and counts how often it was called."""

    def __init__(self, *, streams: bool) -> None:
        self.plan = function_plan()
        self.streams = streams
        self.called: Counter[int] = Counter()

    def open(self, invocation: Invocation) -> contextlib.AbstractAsyncContextManager[Reply]:
        """See `Invocable`."""
        return self._open(invocation)

    @contextlib.asynccontextmanager
    async def _open(self, invocation: Invocation) -> AsyncIterator["CalleeReply"]:
        (number,) = json.loads(invocation.payload)["args"]
        self.called[number] += 1
        yield CalleeReply(number, streamed=self.streams)

    async def invoke(self, invocation: Invocation) -> Answer:
        """See `Invocable`."""
        async with self.open(invocation) as reply:
            return await collected(reply)

    async def invoke_when_free(self, invocation: Invocation) -> Answer:
        """See `ServedFunction`."""
        return await self.invoke(invocation)


class CalleeReply:
    """See `Reply`."""

    content_type = "application/x-ndjson"

    def __init__(self, number: int, *, streamed: bool) -> None:
        self.streamed = streamed
        self._number = number

    @property
    def answer(self) -> Answer:
        """See `Reply`."""
        return Answer(payload=b"" if self.streamed else json.dumps([self._number]).encode())

    async def pieces(self) -> AsyncIterator[bytes]:
        """See `Reply`."""
        for frame in ({"item": self._number}, {"item": "end"}, {"end": True}):
            yield json.dumps(frame).encode() + b"\n"


class Caller:
    """Calls the callee through the proxy."""

    def __init__(self, callee: Callee, proxy: Proxy, transport: LambdaTransport) -> None:
        self.proxy = proxy
        self._callee = callee
        self._transport = transport
        self._number = 1000  # calls of one length

    async def call(self) -> bool:
        """Call once; return whether the answer was whole."""
        self._number += 1
        try:
            async with asyncio.timeout(PATIENCE_S):
                await (self._stream() if self._callee.streams else self._send())
        except InvocationError:
            assert self._callee.called[self._number] <= 1
            return False
        assert self._callee.called[self._number] == 1
        return True

    @property
    def arrived(self) -> bool:
        """Whether the last call reached the callee."""
        return self._number in self._callee.called

    def forget(self) -> None:
        """Let the next call open a connection."""
        self._transport.let_go(asyncio.get_running_loop())

    async def _send(self) -> None:
        call = Call("Echo", "default", "predict", (self._number,))
        assert await asyncio.wrap_future(self._transport.send(call)) == [self._number]

    async def _stream(self) -> None:
        call = Call("Echo", "default", "predict", (self._number,), stream=True)
        items: Channel[Any] = Channel()
        got = []
        carried = asyncio.wrap_future(self._transport.stream(call, items))
        carried.add_done_callback(lambda done: items.end(done.exception()))
        try:
            while True:
                got.append(await items.get())
        except EndOfChannel:
            assert got == [self._number, "end"]
        except InvocationError:
            assert got == [self._number, "end"][: len(got)]
            raise
        finally:
            await asyncio.wait([carried])


@contextlib.asynccontextmanager
async def calling(*, streams: bool) -> AsyncIterator[Caller]:
    """Serve a callee, and call it from the running event loop."""
    callee, log = Callee(streams=streams), Log(lambda _line: None)
    queue = EventQueue(log)
    api = LambdaApi(log, queue)
    api.functions = {"Echo": callee}
    loop = asyncio.get_running_loop()
    async with listening(api) as url:
        parts = urlsplit(url)
        async with proxied(Address(str(parts.hostname), parts.port or 0)) as proxy:
            environ = {"AWS_ENDPOINT_URL_LAMBDA": proxy.address.url, "AWS_REGION": "eu-west-1"}
            transport = LambdaTransport(lambda: loop, environ)
            yield Caller(callee, proxy, transport)
            transport.let_go(loop)
    await queue.close()


@pytest.mark.parametrize("streams", [False, True])
async def test_a_request_may_be_cut_at_every_byte(streams: bool) -> None:  # noqa: FBT001 - a case
    async with calling(streams=streams) as caller:
        assert await caller.call()
        size = caller.proxy.passed["server"]
        for limit in range(size + 1):
            caller.forget()
            caller.proxy.next(to_server=Fault(limit=limit, reset=limit % 2 == 1))
            assert not await caller.call()
            assert limit == size or not caller.arrived
            assert await caller.call()


@pytest.mark.parametrize("streams", [False, True])
async def test_an_answer_may_be_cut_at_every_byte(streams: bool) -> None:  # noqa: FBT001 - a case
    async with calling(streams=streams) as caller:
        assert await caller.call()
        size = caller.proxy.passed["client"]
        whole = []
        for limit in range(size):
            caller.forget()
            caller.proxy.next(to_client=Fault(limit=limit, reset=limit % 2 == 1))
            whole.append(await caller.call())
            assert await caller.call()

    first = whole.index(True) if streams else size  # the last item and the end were there
    assert (any(whole[:first]), all(whole[first:])) == (False, True)


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    "fault",
    [Fault(piece=1), Fault(piece=7, latency_s=0.001), Fault(slow_close_s=0.05)],
)
async def test_slow_connections_change_nothing(
    streams: bool,  # noqa: FBT001 - a case
    fault: Fault,
) -> None:
    async with calling(streams=streams) as caller:
        caller.proxy.to_server = caller.proxy.to_client = fault
        assert [await caller.call() for _ in range(3)] == [True] * 3
        assert caller.proxy.connections == 1


async def test_a_connection_that_was_cut_while_idle_costs_at_most_the_one_call() -> None:
    async with calling(streams=False) as caller:
        assert await caller.call()
        await caller.proxy.cut()
        await caller.call()
        assert await caller.call()

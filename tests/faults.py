"""A TCP proxy that does to connections what networks do: it delays, throttles, cuts and resets.

    client ──► to_server ──► server
           ◄── to_client ◄──

Each direction has a fault of its own.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from adapter.loop_thread import LoopThread

_LAST_BYTES_S = 5.0  # for what was written before a close
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, and not for a second


class Address(NamedTuple):
    """Where somebody listens."""

    host: str
    port: int

    @property
    def text(self) -> str:
        """`host:port`, as AWS_LAMBDA_RUNTIME_API has it."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The address as a URL."""
        return f"http://{self.text}"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to the bytes of one direction of a connection.

    They are passed on in pieces of at most `piece` bytes, each `latency_s` seconds after it came.
    As soon as `limit` bytes have passed, both ends are cut: in order, or by `reset`. The end that a
    peer says itself is passed on `slow_close_s` seconds after it was said.
    """

    piece: int = 65_536
    latency_s: float = 0.0
    limit: int | None = None
    reset: bool = False
    slow_close_s: float = 0.0


NONE = Fault()
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _CutError(Exception):
    """A direction has passed on all that it may."""


class Proxy:
    """Passes connections on to `server`; `connections` and `passed` count what went through.

    `server`, `to_server` and `to_client` may be assigned at any time, for the connections that
    follow.
    """

    def __init__(self, server: Address) -> None:
        self.server = server
        self.to_server = NONE
        self.to_client = NONE
        self.connections = 0
        self.passed = {"server": 0, "client": 0}  # bytes
        self.address = Address("", 0)
        self._next: list[tuple[Fault, Fault]] = []
        self._listening: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on a free port."""
        self._listening = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.address = Address(*self._listening.sockets[0].getsockname())

    async def stop(self) -> None:
        """Cut what is open, and stop listening."""
        if self._listening is not None:
            self._listening.close()
        await self.cut()

    async def cut(self) -> None:
        """Cut what is open."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut_from_outside(self) -> None:
        """Cut what is open; for another thread than the proxy's."""
        assert self._listening is not None
        loop = self._listening.get_loop()
        asyncio.run_coroutine_threadsafe(self.cut(), loop).result()

    def mend(self) -> None:
        """Have no faults any more."""
        self.to_server = self.to_client = NONE
        self._next.clear()

    def next(self, *, to_server: Fault = NONE, to_client: Fault = NONE) -> None:
        """Let one connection have these faults: the next, or that after others said before."""
        self._next.append((to_server, to_client))

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        faults = self._next.pop(0) if self._next else (self.to_server, self.to_client)
        self.connections += 1
        task = asyncio.create_task(self._pass_on((reader, writer), *faults))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, client: _Streams, to_server: Fault, to_client: Fault) -> None:
        ends = [client[1]]
        reset = True  # where nobody listens
        try:
            server = await asyncio.open_connection(*self.server)
            ends.append(server[1])
            pumps = (
                self._pump("server", client[0], server[1], to_server),
                self._pump("client", server[0], client[1], to_client),
            )
            reset = False
            async with asyncio.TaskGroup() as ways:
                for pump in pumps:
                    ways.create_task(pump)
        except* _CutError:
            reset = to_server.reset or to_client.reset
        except* OSError:  # one of the peers has reset it
            reset = True
        finally:
            for end in ends:
                _close(end, reset=reset)
            for end in ends:
                await _closed(end)

    async def _pump(
        self,
        way: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        fault: Fault,
    ) -> None:
        left = fault.limit
        while left != 0:
            data = await reader.read(fault.piece if left is None else min(fault.piece, left))
            if not data:
                await asyncio.sleep(fault.slow_close_s)
                writer.write_eof()
                return
            if fault.latency_s:
                await asyncio.sleep(fault.latency_s)
            self.passed[way] += len(data)
            writer.write(data)
            await writer.drain()
            left = None if left is None else left - len(data)
        raise _CutError


def _close(end: asyncio.StreamWriter, *, reset: bool) -> None:
    if not reset:
        end.close()
        return
    connected: socket.socket = end.get_extra_info("socket")
    with contextlib.suppress(OSError):  # it is gone already
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    end.transport.abort()


async def _closed(end: asyncio.StreamWriter) -> None:
    """Wait until what was written before the close has left, but not for ever."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_LAST_BYTES_S):
            await end.wait_closed()
    end.transport.abort()


@contextlib.asynccontextmanager
async def proxied(
    server: Address,
    *,
    to_server: Fault = NONE,
    to_client: Fault = NONE,
) -> AsyncIterator[Proxy]:
    """Run a proxy on the running event loop."""
    proxy = Proxy(server)
    proxy.to_server, proxy.to_client = to_server, to_client
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


@contextlib.contextmanager
def proxied_in_a_thread(
    server: Address,
    *,
    to_server: Fault = NONE,
    to_client: Fault = NONE,
) -> Iterator[Proxy]:
    """Run a proxy on an event loop of its own, for clients that block."""
    thread = LoopThread("faults")
    proxy = Proxy(server)
    proxy.to_server, proxy.to_client = to_server, to_client
    thread.submit(proxy.start()).result()
    try:
        yield proxy
    finally:
        thread.submit(proxy.stop()).result()
        thread.stop()

"""A connection whose coroutine is no task; what is said over it is in test_runtime_api.py."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from adapter.http1 import READ_AHEAD, Head, ProtocolError
from adapter.local.runtime_connection import RuntimeConnection

REQUEST = b"GET /a HTTP/1.1\r\n\r\n"
Serve = Callable[[RuntimeConnection], Coroutine[Any, Any, None]]


class Wire(asyncio.Transport):
    """Notes what is done with it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.closed = False
        self.reading = True

    def write(self, data: Any) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


async def _echo(connection: RuntimeConnection) -> None:
    while (head := await connection.head()) is not None:
        await connection.send(head.second.encode())


def _connected(serve: Serve) -> tuple[RuntimeConnection, Wire]:
    connection, wire = RuntimeConnection(serve), Wire()
    connection.connection_made(wire)
    return connection, wire


@contextlib.asynccontextmanager
async def _client(serve: Serve) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    connections: list[RuntimeConnection] = []

    def connect() -> RuntimeConnection:
        connections.append(RuntimeConnection(serve))
        return connections[-1]

    server = await asyncio.get_running_loop().create_server(connect, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    try:
        yield reader, writer
    finally:
        writer.close()
        await asyncio.gather(*(connection.closed for connection in connections))
        server.close()
        await server.wait_closed()


async def test_a_request_is_answered_in_the_call_that_brings_its_last_byte() -> None:
    connection, wire = _connected(_echo)
    connection.data_received(REQUEST[:-1])
    early = list(wire.sent)
    connection.data_received(REQUEST[-1:] + REQUEST)

    assert (early, wire.sent) == ([], [b"/a", b"/a"])


async def test_who_sends_no_more_gets_the_answers_to_what_was_sent() -> None:
    async with _client(_echo) as (reader, writer):
        writer.write(REQUEST + REQUEST)
        writer.write_eof()
        answers = await reader.read()

    assert answers == b"/a/a"


async def test_the_connection_is_closed_when_the_coroutine_ends() -> None:
    async def serve(connection: RuntimeConnection) -> None:
        await connection.head()
        await connection.send(b"bye")

    async with _client(serve) as (reader, writer):
        writer.write(REQUEST)
        answer = await reader.read()

    assert answer == b"bye"


@pytest.mark.parametrize("sent", [REQUEST[:-1], b"nonsense\r\n\r\n"])
async def test_what_is_no_request_is_an_error(sent: bytes) -> None:
    read: list[Head | ProtocolError | None] = []

    async def serve(connection: RuntimeConnection) -> None:
        try:
            read.append(await connection.head())
        except ProtocolError as error:
            read.append(error)

    connection, wire = _connected(serve)
    connection.data_received(sent)
    connection.eof_received()

    assert isinstance(read[0], ProtocolError)
    assert wire.closed


async def test_nothing_at_all_is_no_request() -> None:
    connection, wire = _connected(_echo)
    connection.eof_received()
    connection.connection_lost(None)

    assert (wire.sent, wire.closed, connection.closed.done()) == ([], True, True)


async def test_a_runtime_that_is_behind_is_waited_for() -> None:
    connection, wire = _connected(_echo)
    connection.pause_writing()
    connection.data_received(REQUEST + REQUEST)
    early = list(wire.sent)
    connection.resume_writing()

    assert (early, wire.sent) == ([b"/a"], [b"/a", b"/a"])


async def test_a_runtime_that_is_behind_and_goes_is_not_waited_for() -> None:
    connection, wire = _connected(_echo)
    connection.pause_writing()
    connection.data_received(REQUEST)
    connection.connection_lost(ConnectionResetError())

    assert wire.closed


async def test_what_nobody_reads_yet_is_left_in_the_socket() -> None:
    async def serve(connection: RuntimeConnection) -> None:
        while not asked:
            await connection.event()
        await _echo(connection)

    asked: list[None] = []
    connection, wire = _connected(serve)
    connection.data_received(REQUEST * (READ_AHEAD // len(REQUEST) + 1))
    stopped = not wire.reading
    asked.append(None)
    connection.go_on()

    assert (stopped, wire.reading) == (True, True)


async def test_the_coroutine_may_be_told_of_what_it_does_itself() -> None:
    async def serve(connection: RuntimeConnection) -> None:
        connection.go_on()
        await connection.event()
        connection.go_on()

    connection, wire = _connected(serve)
    early = wire.closed
    connection.go_on()
    connection.go_on()

    assert (early, wire.closed) == (False, True)


async def test_one_that_is_closed_before_it_is_made_is_hung_up_on() -> None:
    connection, wire = RuntimeConnection(_echo), Wire()

    connection.close()
    connection.connection_made(wire)

    assert wire.closed
    connection.connection_lost(None)
    await connection.closed


async def test_whoever_waits_for_its_end_may_leave() -> None:
    connection, wire = _connected(_echo)

    connection.closed.cancel()
    connection.connection_lost(None)

    assert wire.closed


async def test_an_error_of_the_coroutine_hangs_up_and_is_raised() -> None:
    async def serve(connection: RuntimeConnection) -> None:
        await connection.event()
        raise LookupError("no such name")

    connection, wire = _connected(serve)

    with pytest.raises(LookupError):
        connection.go_on()
    assert wire.closed

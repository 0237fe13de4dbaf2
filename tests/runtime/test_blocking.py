"""The loop that waits in the kernel, as where one invocation at a time is all there can be."""

import asyncio
import json
import threading
from typing import Any

import pytest

from adapter.responder import Responder
from adapter.runtime.blocking import BlockingConnection
from tests.runtime.scripted import PATIENCE_S, scripted, serving_in_a_thread


async def echo(event: Any, _context: Any) -> Any:
    return event


def test_one_connection_carries_polls_and_answers() -> None:
    async def scenario() -> None:
        async with serving_in_a_thread(echo) as api:
            for number in range(3):
                (await api.poll()).give(number)
                assert (await api.post()).received == str(number).encode()
            await api.poll()
            assert api.connections == 1

    asyncio.run(scenario())


def test_a_large_event_in_chunks_is_read_whole() -> None:
    event = json.dumps("x" * 1_000_000).encode()

    async def scenario() -> None:
        async with serving_in_a_thread(echo) as api:
            poll = await api.poll()
            head = (
                b"HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: a\r\n"
                b"transfer-encoding: chunked\r\n\r\n"
            )
            chunk = b"%x\r\n%s\r\n"
            half = len(event) // 2
            poll.writer.write(head + chunk % (half, event[:half]))
            await poll.writer.drain()
            rest = event[half:]
            poll.writer.write(chunk % (len(rest), rest) + b"0\r\n\r\n")
            post = await api.post()
            assert post.head.headers["content-length"] == str(len(event))

    asyncio.run(scenario())


def test_a_connection_that_was_closed_is_opened_again() -> None:
    async def scenario() -> None:
        async with serving_in_a_thread(echo) as api:
            (await api.poll()).hang_up()
            (await api.poll()).give("answer")
            assert (await api.post()).received == b'"answer"'

    asyncio.run(scenario())


class Handler:
    """Streams, and waits to be cancelled where the event asks for it."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.cancelled = threading.Event()

    def __call__(self, event: Any, context: Any) -> Any:
        raise NotImplementedError

    async def serve(self, event: Any, _context: Any, responder: Responder) -> None:
        stream = await responder.stream("text/plain")
        await stream.write(b"one")
        try:
            if event == "wait":
                self.began.set()
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        await stream.end()


def test_a_stream_has_a_connection_of_its_own() -> None:
    async def scenario() -> None:
        async with serving_in_a_thread(Handler()) as api:
            for connections in (2, 3):
                (await api.poll()).give("end")
                assert (await api.post()).received == b"3\r\none\r\n0\r\n\r\n"
                assert api.connections == connections
            await api.poll()

    asyncio.run(scenario())


def test_hanging_up_on_the_poll_cancels_and_cuts_the_stream() -> None:
    async def scenario() -> None:
        handler = Handler()
        async with serving_in_a_thread(handler) as api:
            poll = await api.poll()
            poll.give("wait", adapter_hang_up="cancel")
            post = await api.post(whole=False)
            assert await asyncio.to_thread(handler.began.wait, PATIENCE_S)
            poll.hang_up()
            assert await asyncio.to_thread(handler.cancelled.wait, PATIENCE_S)
            (await api.poll()).give("end")
            assert (await api.post()).received.endswith(b"0\r\n\r\n")
            assert post.received == b"3\r\none\r\n"

    asyncio.run(scenario())


def test_a_connection_knows_when_the_peer_has_hung_up() -> None:
    async def scenario() -> None:
        async with scripted() as api:
            host, _, port = api.address.partition(":")
            connection = await BlockingConnection.open(host, int(port))
            hung_up = asyncio.Event()
            connection.on_hang_up(hung_up.set)
            await connection.send(b"GET / HTTP/1.1\r\n\r\n")
            (await api.poll()).hang_up()
            async with asyncio.timeout(PATIENCE_S):
                await hung_up.wait()
            assert connection.closed_by_peer
            with pytest.raises(OSError):  # noqa: PT011 - reset or closed, as the kernel has it
                await connection.request("GET", "/", {})
            connection.close()

    asyncio.run(scenario())

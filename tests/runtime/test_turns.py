"""What an answer that needs no turn of the event loop must not forget.

Plain handlers need none, and from Python 3.12 on async ones that wait for nothing.
"""

import asyncio
import threading
from typing import Any

import pytest

from adapter.responder import Responder
from tests.runtime.scripted import PATIENCE_S, serving, serving_in_a_thread


class Handler:
    """Answers at once and leaves something to the event loop."""

    def __init__(self) -> None:
        self.done = threading.Event()

    def __call__(self, event: Any, context: Any) -> Any:
        raise NotImplementedError

    async def serve(self, event: Any, _context: Any, responder: Responder) -> None:
        loop = asyncio.get_running_loop()
        asyncio.run_coroutine_threadsafe(self._work(), loop)  # as a handle call does
        await responder.respond(event)

    async def _work(self) -> None:
        await asyncio.sleep(0.01)
        self.done.set()


def test_what_was_asked_of_the_event_loop_is_done_before_the_next_poll() -> None:
    async def scenario() -> None:
        handler = Handler()
        async with serving_in_a_thread(handler) as api:
            (await api.poll()).give("first")
            await api.post()
            await api.poll()
            assert await asyncio.to_thread(handler.done.wait, PATIENCE_S)

    asyncio.run(scenario())


@pytest.mark.parametrize("how", ["asked", "begun"])
def test_what_a_plain_handler_left_to_do_is_done_before_the_next_poll(how: str) -> None:
    done = threading.Event()
    kept: list[Any] = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.set()

    def plain(event: Any, _context: Any) -> Any:
        loop = asyncio.get_running_loop()
        if how == "asked":
            kept.append(asyncio.run_coroutine_threadsafe(work(), loop))
        else:
            kept.append(loop.create_task(work()))
        return event

    async def scenario() -> None:
        async with serving_in_a_thread(plain) as api:
            (await api.poll()).give("first")
            assert (await api.post()).received == b'"first"'
            await api.poll()
            assert done.is_set()

    asyncio.run(scenario())


def test_what_a_task_leaves_that_ends_with_the_handler_is_done_before_the_next_poll() -> None:
    done = threading.Event()
    kept: list[Any] = []

    async def end() -> None:
        pass

    async def report() -> None:
        await asyncio.sleep(0.01)
        done.set()

    async def handler(event: Any, _context: Any) -> Any:
        await asyncio.sleep(0.001)
        audit = asyncio.create_task(end())
        audit.add_done_callback(lambda _: kept.append(asyncio.create_task(report())))
        return event

    async def scenario() -> None:
        async with serving_in_a_thread(handler) as api:
            (await api.poll()).give("first")
            await api.post()
            await api.poll()
            assert done.is_set()

    asyncio.run(scenario())


def test_a_handler_that_raises_cancelled_error_is_an_error_and_the_loop_goes_on() -> None:
    async def cancelled(event: Any, _context: Any) -> Any:
        if event == "cancel":
            raise asyncio.CancelledError
        return event

    async def scenario() -> None:
        async with serving(cancelled) as (api, _):
            (await api.poll()).give("cancel")
            assert (await api.post()).what == "error"
            (await api.poll()).give("next")
            assert (await api.post()).received == b'"next"'

    asyncio.run(scenario())


def test_a_stream_whose_reader_is_stuck_is_cut_and_the_loop_goes_on() -> None:
    class Stuck(Handler):
        async def serve(self, event: Any, _context: Any, responder: Responder) -> None:
            if event == "next":
                await responder.respond(event)
                return
            stream = await responder.stream("text/plain")
            writing = asyncio.create_task(stream.write(bytes(20 * 1024 * 1024)))
            await asyncio.sleep(0.1)  # until the sockets are full
            writing.cancel()
            raise LookupError("in the middle")

    async def scenario() -> None:
        async with serving(Stuck()) as (api, _):
            api.reading.clear()
            (await api.poll()).give("stuck")
            post = await api.post(whole=False)
            (await api.poll()).give("next", "id-2")
            api.reading.set()
            assert not post.received.endswith(b"0\r\n\r\n")
            while (last := await api.post()).head.second.split("/")[4] != "id-2":
                pass
            assert last.received == b'"next"'

    asyncio.run(scenario())


def test_a_stream_that_cannot_be_opened_is_an_error() -> None:
    class Api(Handler):
        async def serve(self, _event: Any, _context: Any, responder: Responder) -> None:
            await responder.stream("text/plain")

    async def scenario() -> None:
        async with serving_in_a_thread(Api()) as api:
            poll = await api.poll()
            assert api.server is not None
            api.server.close()  # for new connections; the one of the poll stays
            poll.give({})
            assert (await api.post()).what == "error"

    asyncio.run(scenario())

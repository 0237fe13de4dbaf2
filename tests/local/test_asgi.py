"""What our two applications share: work that is done while the client is there."""

import asyncio

import pytest
from starlette.types import Message

from adapter.local.asgi import ClientGoneError, while_connected


class Connection:
    """The receiving side of a connection that a test hangs up."""

    def __init__(self) -> None:
        self.hung_up = asyncio.Event()

    async def receive(self) -> Message:
        await self.hung_up.wait()
        return {"type": "http.disconnect"}


class Work:
    """Work that goes on until it is told to end, and says what became of it."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.cancelled = False

    async def run(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # cleaning up takes a while
            self.cancelled = True
            raise


async def test_the_result_comes_back() -> None:
    async def work() -> int:
        return 5

    assert await while_connected(Connection().receive, work()) == 5


async def test_an_error_comes_back() -> None:
    async def work() -> None:
        raise KeyError("on purpose")

    with pytest.raises(KeyError, match="on purpose"):
        await while_connected(Connection().receive, work())


async def test_a_client_that_hangs_up_cancels_the_work() -> None:
    connection, work = Connection(), Work()
    waiting = asyncio.ensure_future(while_connected(connection.receive, work.run()))
    await work.begun.wait()
    connection.hung_up.set()

    with pytest.raises(ClientGoneError):
        await waiting
    assert work.cancelled


async def test_a_server_that_ends_cancels_the_work() -> None:
    work = Work()
    waiting = asyncio.ensure_future(while_connected(Connection().receive, work.run()))
    await work.begun.wait()
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.cancelled

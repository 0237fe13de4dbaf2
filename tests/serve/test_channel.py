import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapter.loop_thread import LoopThread
from adapter.serve.channel import Channel, EndOfChannel


def test_items_cross_threads_in_order() -> None:
    channel: Channel[int] = Channel(3)

    async def write() -> None:
        for number in range(1000):
            await channel.put(number)
        channel.end()

    writer = LoopThread("writer")
    writing = writer.submit(write())
    read = [channel.get_blocking() for _ in range(1000)]
    with pytest.raises(EndOfChannel):
        channel.get_blocking()
    writing.result(10)
    writer.stop()

    assert read == list(range(1000))


def test_items_cross_event_loops_in_order() -> None:
    channel: Channel[int] = Channel(3)

    async def write() -> None:
        for number in range(1000):
            await channel.put(number)
        channel.end()

    async def read() -> list[int]:
        return [number async for number in items(channel)]

    writer = LoopThread("writer")
    writing = writer.submit(write())
    assert asyncio.run(read()) == list(range(1000))
    writing.result(10)
    writer.stop()


async def items(channel: Channel[int]) -> AsyncIterator[int]:
    try:
        while True:
            yield await channel.get()
    except EndOfChannel:
        return


def test_writer_waits_while_the_reader_is_behind() -> None:
    async def main() -> None:
        channel: Channel[int] = Channel(2)
        written: list[int] = []

        async def write() -> None:
            for number in range(10):
                await channel.put(number)
                written.append(number)

        writing = asyncio.create_task(write())
        for read in range(8):
            await turns()
            assert written == list(range(read + 2))
            assert await channel.get() == read
        await writing

    asyncio.run(main())


async def turns() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_waiting_reader_gets_the_item_at_once() -> None:
    channel: Channel[str] = Channel()
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(channel.get_blocking()))
    reader.start()
    asyncio.run(channel.put("item"))
    reader.join(10)

    assert got == ["item"]


def test_error_comes_after_the_items_and_once() -> None:
    async def main() -> None:
        channel: Channel[int] = Channel()
        await channel.put(1)
        channel.end(KeyError("x"))
        channel.end(ValueError("later"))
        assert channel.ended

        assert await channel.get() == 1
        with pytest.raises(KeyError):
            await channel.get()
        with pytest.raises(EndOfChannel):
            await channel.get()

    asyncio.run(main())


def test_end_at_once_drops_the_items() -> None:
    channel: Channel[int] = Channel()
    asyncio.run(channel.put(1))
    channel.end(at_once=True)

    with pytest.raises(EndOfChannel):
        channel.get_blocking()


@pytest.mark.parametrize("error", [None, KeyError("x")])
def test_end_wakes_waiting_readers(error: Exception | None) -> None:
    async def main() -> list[Any]:
        channel: Channel[int] = Channel()
        readers = [asyncio.create_task(channel.get()) for _ in range(2)]
        await turns()
        channel.end(error)
        return await asyncio.gather(*readers, return_exceptions=True)

    first, second = asyncio.run(main())
    assert isinstance(first, type(error) if error else EndOfChannel)
    assert isinstance(second, EndOfChannel)


def test_item_after_the_end_is_dropped() -> None:
    channel: Channel[int] = Channel()
    channel.end()
    asyncio.run(channel.put(1))

    with pytest.raises(EndOfChannel):
        channel.get_blocking()


@pytest.mark.parametrize("at_once", [True, False])
def test_end_wakes_a_writer_that_waits_for_room(at_once: bool) -> None:  # noqa: FBT001 - a case
    async def main() -> None:
        channel: Channel[int] = Channel(1)
        await channel.put(1)
        writer = asyncio.create_task(channel.put(2))
        await turns()
        channel.end(at_once=at_once)
        await turns()
        assert writer.done()
        if not at_once:
            assert await channel.get() == 1
        with pytest.raises(EndOfChannel):
            await channel.get()

    asyncio.run(main())


def test_reader_that_was_cancelled_loses_no_item() -> None:
    async def main() -> int:
        channel: Channel[int] = Channel()
        reader = asyncio.create_task(channel.get())
        await turns()
        reader.cancel()
        await turns()
        await channel.put(1)
        return await channel.get()

    assert asyncio.run(main()) == 1


def test_writer_that_was_cancelled_has_put_nothing() -> None:
    async def main() -> list[int]:
        channel: Channel[int] = Channel(1)
        await channel.put(1)
        writer = asyncio.create_task(channel.put(2))
        await turns()
        writer.cancel()
        await turns()
        first = await channel.get()
        await channel.put(3)
        return [first, await channel.get()]

    assert asyncio.run(main()) == [1, 3]

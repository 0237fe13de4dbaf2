"""The proxy that other tests put between two ends: each fault is what it says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from tests.faults import Address, Fault, Proxy, proxied

PATIENCE_S = 20.0


@contextlib.asynccontextmanager
async def echoing(**faults: Fault) -> AsyncIterator[tuple[Proxy, list[bytes]]]:
    """Run a proxy in front of a server that sends back what it gets, and what that server read."""
    heard: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                heard.append(data)
                writer.write(data)
                await writer.drain()
        heard.append(b"")
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    address = Address(*server.sockets[0].getsockname())
    async with server, proxied(address, **faults) as proxy:
        yield proxy, heard


async def ask(proxy: Proxy, data: bytes) -> bytes:
    """Send data and the end, and read to the end. Raises ConnectionResetError."""
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection(*proxy.address)
        try:
            writer.write(data)
            writer.write_eof()
            return await reader.read()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what it waits for tells nobody
            await asyncio.sleep(0.001)


async def test_without_a_fault_everything_passes() -> None:
    async with echoing() as (proxy, heard):
        answers = [await ask(proxy, b"hello"), await ask(proxy, b"again")]

    assert answers == [b"hello", b"again"]
    assert heard == [b"hello", b"", b"again", b""]
    assert (proxy.connections, proxy.passed) == (2, {"server": 10, "client": 10})


async def test_throttled_bytes_come_one_by_one() -> None:
    slow = Fault(piece=1, latency_s=0.005)
    async with echoing(to_server=slow) as (proxy, heard):
        answer = await ask(proxy, b"hello")

    assert (answer, heard) == (b"hello", [b"h", b"e", b"l", b"l", b"o", b""])


@pytest.mark.parametrize("limit", range(6))
async def test_a_limit_lets_so_many_bytes_through(limit: int) -> None:
    async with echoing(to_client=Fault(limit=limit)) as (proxy, _):
        assert await ask(proxy, b"hello") == b"hello"[:limit]


async def test_a_limit_ends_the_server_too() -> None:
    async with echoing(to_server=Fault(limit=3)) as (proxy, heard):
        await ask(proxy, b"hello")
        await until(lambda: b"" in heard)

    assert heard in ([b"hel", b""], [b""])


@pytest.mark.parametrize("faults", [{"to_server": 3}, {"to_client": 3}, {"to_client": 0}])
async def test_a_cut_may_be_a_reset(faults: dict[str, int]) -> None:
    given = {way: Fault(limit=limit, reset=True) for way, limit in faults.items()}
    async with echoing(**given) as (proxy, _):
        with pytest.raises(ConnectionResetError):
            await ask(proxy, b"hello")


async def test_connections_may_have_faults_of_their_own() -> None:
    async with echoing() as (proxy, _):
        proxy.next()
        proxy.next(to_client=Fault(limit=1))
        answers = [await ask(proxy, b"hello") for _ in range(3)]

    assert answers == [b"hello", b"h", b"hello"]


async def test_what_is_open_may_be_cut() -> None:
    async with echoing() as (proxy, _):
        reader, writer = await asyncio.open_connection(*proxy.address)
        writer.write(b"hello")
        await reader.readexactly(5)
        await proxy.cut()
        async with asyncio.timeout(PATIENCE_S):
            rest = await reader.read()
        writer.close()
        again = await ask(proxy, b"hello")

    assert (rest, again) == (b"", b"hello")


async def test_a_close_may_come_late() -> None:
    async with echoing(to_client=Fault(slow_close_s=0.01)) as (proxy, _):
        assert await ask(proxy, b"hello") == b"hello"


@pytest.mark.parametrize("hang_up", [asyncio.StreamWriter.close, lambda end: end.transport.abort()])
async def test_a_client_that_goes_is_gone_for_the_server(
    hang_up: Callable[[asyncio.StreamWriter], None],
) -> None:
    async with echoing() as (proxy, heard):
        _, writer = await asyncio.open_connection(*proxy.address)
        hang_up(writer)
        await until(lambda: heard)

    assert heard == [b""]


async def test_where_nobody_listens_the_client_is_reset() -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    address = Address(*server.sockets[0].getsockname())
    server.close()
    await server.wait_closed()
    async with proxied(address) as proxy:
        with pytest.raises(ConnectionResetError):
            await ask(proxy, b"hello")

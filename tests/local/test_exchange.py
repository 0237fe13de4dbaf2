"""An invocation between the Runtime API, which answers it, and the caller, who waits."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from adapter.local.exchange import Exchange
from tests.local.world import invocation, until


async def _all(pieces: AsyncIterator[bytes]) -> list[bytes]:
    return [piece async for piece in pieces]


async def test_a_whole_answer_has_no_pieces() -> None:
    exchange = Exchange(invocation())
    exchange.respond(b"1")
    await exchange.begun()

    assert (exchange.streamed, exchange.answer.payload) == (False, b"1")
    assert await _all(exchange.pieces()) == []


async def test_a_piece_is_handed_over_when_the_caller_takes_it() -> None:
    exchange = Exchange(invocation())
    exchange.stream("text/plain")
    await exchange.begun()
    told: list[bool] = []
    exchange.on_taken = lambda: told.append(exchange.taken)
    exchange.give(b"a")
    taken_early = exchange.taken
    pieces = exchange.pieces()
    first = await anext(pieces)
    taken = list(told)
    exchange.respond(b"")
    rest = await _all(pieces)

    assert (taken_early, first, taken, rest) == (False, b"a", [True], [])
    assert exchange.content_type == "text/plain"
    assert (exchange.answer.payload, exchange.answer.error_type) == (b"", None)


async def test_while_a_stream_runs_there_is_no_answer() -> None:
    exchange = Exchange(invocation())
    exchange.stream("")

    with pytest.raises(RuntimeError, match="has not answered to the end"):
        _ = exchange.answer


async def test_a_piece_that_waits_at_a_failure_is_not_lost() -> None:
    exchange = Exchange(invocation(request_id="the-id"))
    exchange.stream("")
    exchange.give(b"last")
    exchange.fail("Sandbox.Timedout", "Task timed out")

    assert exchange.taken
    assert await _all(exchange.pieces()) == [b"last"]
    assert exchange.answer.error_type == "Sandbox.Timedout"
    assert json.loads(exchange.answer.payload)["errorMessage"] == (
        "RequestId: the-id Error: Task timed out"
    )


async def test_empty_pieces_are_not_handed_over() -> None:
    exchange = Exchange(invocation())
    exchange.stream("")
    exchange.give(b"")
    exchange.respond(b"")

    assert await _all(exchange.pieces()) == []


async def test_a_cancellation_lets_go_of_the_writer_and_is_told_once() -> None:
    exchange = Exchange(invocation())
    told: list[None] = []
    exchange.on_cancel = lambda: told.append(None)
    exchange.stream("")
    exchange.give(b"a")
    exchange.cancel()
    exchange.cancel()
    let_go = exchange.taken
    exchange.give(b"nobody takes this")

    assert (told, let_go, exchange.taken) == ([None], True, True)
    assert exchange.answer.error_type == "Sandbox.Cancelled"


async def test_what_has_ended_cannot_be_cancelled() -> None:
    exchange = Exchange(invocation())
    told: list[None] = []
    exchange.on_cancel = lambda: told.append(None)
    exchange.respond(b"1")
    exchange.cancel()
    exchange.stream("text/plain")

    assert not told
    assert (exchange.answer.error_type, exchange.streamed) == (None, False)


async def test_an_end_stops_the_deadline_and_is_told() -> None:
    exchange = Exchange(invocation())
    timer = asyncio.get_running_loop().call_later(60, lambda: None)
    told: list[None] = []
    exchange.begin(timer)
    exchange.on_end(lambda: told.append(None))
    exchange.respond(b"1")
    await until(lambda: told)

    assert timer.cancelled()


async def test_what_is_printed_in_the_turn_of_the_answer_is_in_the_log_tail() -> None:
    exchange = Exchange(invocation())
    listening = True

    def stop() -> None:
        nonlocal listening
        listening = False

    exchange.on_end(stop)
    exchange.respond(b"1")
    await asyncio.sleep(0)  # as long as output that is there already takes to be read
    still_listening, begun = listening, asyncio.ensure_future(exchange.begun())
    await begun

    assert (still_listening, exchange.ended) == (True, True)


async def test_the_log_tail_is_the_last_four_kilobytes() -> None:
    exchange = Exchange(invocation())
    exchange.print(b"a" * 5000)
    exchange.print(b"b")
    exchange.respond(b"1")

    assert exchange.answer.log_tail == b"a" * 4093 + b"\nb\n"

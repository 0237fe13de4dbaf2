"""What the loop does where the Runtime API refuses, breaks off or cancels."""

import asyncio
import logging
from typing import Any

import pytest

from adapter.connection import Connection
from adapter.responder import Responder
from adapter.runtime.blocking import BlockingConnection
from adapter.runtime.client import RuntimeApiError, RuntimeApiLost
from tests.runtime.scripted import PATIENCE_S, serving, serving_in_a_thread

HANG_UP = {"adapter_hang_up": "cancel"}


class Waiting:
    """A handler that waits for ever on the event "wait" and says what became of that."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.cancelled = asyncio.Event()

    def __call__(self, event: Any, context: Any) -> Any:
        raise NotImplementedError

    async def serve(self, event: Any, _context: Any, responder: Responder) -> None:
        if event == "stream":
            await (await responder.stream("text/plain")).write(b"one")
        if event in ("wait", "stream", "stubborn"):
            self.began.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                if event != "stubborn":
                    raise
        await responder.respond(event)


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await event.wait()


@pytest.mark.parametrize("event", ["wait", "stubborn", "stream"])
def test_hanging_up_cancels_an_invocation_and_nothing_is_posted(
    event: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "adapter")

    async def scenario() -> None:
        handler = Waiting()
        async with serving(handler) as (api, _):
            poll = await api.poll()
            assert poll.head.headers["adapter-hang-up"] == "cancel"
            poll.give(event, **HANG_UP)
            await soon(handler.began)
            poll.hang_up()
            await soon(handler.cancelled)
            (await api.poll()).give("next", "id-2")
            post = await api.post()
            while post.head.headers.get("trailer"):
                post = await api.post()
            assert (post.received, post.head.second.split("/")[4]) == (b'"next"', "id-2")

    asyncio.run(scenario())

    if event != "stubborn":
        (record,) = caplog.records
        assert record.message.startswith("the caller did not wait for the answer")


def test_hanging_up_on_one_invocation_leaves_the_others_alone() -> None:
    async def scenario() -> None:
        handler = Waiting()
        async with serving(handler, concurrency=2) as (api, _):
            first, second = await api.poll(), await api.poll()
            first.give("wait", "id-1", **HANG_UP)
            await soon(handler.began)
            first.hang_up()
            await soon(handler.cancelled)
            second.give("other", "id-2", **HANG_UP)
            assert (await api.post()).received == b'"other"'

    asyncio.run(scenario())


def test_a_lost_connection_cancels_nothing_where_that_was_not_agreed() -> None:
    async def scenario() -> None:
        finish = asyncio.Event()

        class Handler(Waiting):
            async def serve(self, event: Any, _context: Any, responder: Responder) -> None:
                self.began.set()
                await finish.wait()
                await responder.respond(event)

        handler = Handler()
        async with serving(handler) as (api, _):
            poll = await api.poll()
            poll.give("answer")
            await soon(handler.began)
            poll.hang_up()
            finish.set()
            assert (await api.post()).received == b'"answer"'

    asyncio.run(scenario())


async def echo(event: Any, _context: Any) -> Any:
    return event


@pytest.mark.parametrize(
    "answer",
    [(200, {}), (403, {}), (400, {"lambda-runtime-aws-request-id": "a"})],
)
def test_an_answer_to_next_that_is_none_is_logged_and_asked_again(
    answer: tuple[int, dict[str, str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        async with serving(echo) as (api, _):
            (await api.poll()).say(*answer)
            (await api.poll()).give("answer")
            assert (await api.post()).received == b'"answer"'

    asyncio.run(scenario())

    assert [record.message[:36] for record in caplog.records] == [
        "no invocation from the Runtime API, ",
    ]


def test_a_connection_that_breaks_while_waiting_is_opened_again() -> None:
    async def scenario() -> None:
        async with serving(echo) as (api, _):
            (await api.poll()).hang_up()
            (await api.poll()).give("answer")
            assert (await api.post()).received == b'"answer"'

    asyncio.run(scenario())


@pytest.fixture(params=[Connection, BlockingConnection])
def _opened_at_the_third_try(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Reset connections while they are opened, which no real peer can be made to do for sure."""
    opened = request.param.open
    broken = iter([ConnectionResetError(), OSError(22, "Invalid argument")])

    async def open_third(host: str, port: int) -> Any:
        if (error := next(broken, None)) is not None:
            raise error
        return await opened(host, port)

    monkeypatch.setattr(request.param, "open", open_third)


@pytest.mark.usefixtures("_opened_at_the_third_try")
def test_a_connection_that_breaks_while_it_is_opened_is_opened_again() -> None:
    async def in_a_thread() -> None:
        async with serving_in_a_thread(echo) as api:
            (await api.poll()).give("answer")
            assert (await api.post()).received == b'"answer"'

    async def scenario() -> None:
        async with serving(echo) as (api, _):
            (await api.poll()).give("answer")
            assert (await api.post()).received == b'"answer"'

    asyncio.run(scenario())
    asyncio.run(in_a_thread())


def test_the_loop_ends_after_the_fifth_poll_without_an_invocation() -> None:
    async def scenario() -> None:
        async with serving(echo) as (api, loop):
            for _ in range(5):
                (await api.poll()).hang_up()
            with pytest.raises(RuntimeApiLost, match="gave no invocation"):
                await loop

    asyncio.run(scenario())


def test_a_500_ends_the_loop_at_once_as_aws_documents() -> None:
    async def scenario() -> None:
        async with serving(echo) as (api, loop):
            (await api.poll()).say(500)
            with pytest.raises(RuntimeApiError, match="next with 500"):
                await loop

    asyncio.run(scenario())


def test_a_500_to_an_answer_ends_the_loop_too() -> None:
    async def scenario() -> None:
        async with serving(echo) as (api, loop):
            api.post_status = lambda _post: 500
            (await api.poll()).give("answer")
            with pytest.raises(RuntimeApiError, match="a response with 500"):
                await loop

    asyncio.run(scenario())


def test_an_answer_that_is_lost_on_its_way_is_logged_and_the_loop_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        async with serving(echo) as (api, _):
            api.post_status = lambda _post: 0  # hangs up instead
            (await api.poll()).give("answer")
            await api.post()
            await api.poll()

    asyncio.run(scenario())

    assert "the answer was lost on its way" in caplog.text


def test_an_answer_that_was_taken_and_not_confirmed_is_sent_again_and_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        async with serving(echo) as (api, _):
            statuses = iter([0, 403])  # it hangs up; then it has been answered already
            api.post_status = lambda _post: next(statuses)
            (await api.poll()).give("answer")
            posts = [await api.post(), await api.post()]
            await api.poll()
            assert [(post.what, post.received) for post in posts] == [("response", b'"answer"')] * 2

    asyncio.run(scenario())

    (record,) = caplog.records
    assert record.message.startswith("the answer was sent twice, and may have been lost: ")


def test_an_answer_that_is_lost_becomes_an_error_where_that_can_be_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        async with serving(echo) as (api, _):
            api.post_status = lambda post: 202 if post.what == "error" else 0
            (await api.poll()).give("answer")
            posts = [await api.post() for _ in range(3)]
            await api.poll()
            assert [post.what for post in posts] == ["response", "response", "error"]
            assert b'"errorType": "AnswerLost"' in posts[2].received

    asyncio.run(scenario())

    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "the answer was lost on its way",
    ]


def test_the_name_of_an_exception_writes_no_header_of_its_own() -> None:
    hostile = type("Bad\r\nLambda-Runtime-Forged: 1", (Exception,), {})

    async def fail(_event: Any, _context: Any) -> Any:
        raise hostile

    async def scenario() -> None:
        async with serving(fail) as (api, _):
            (await api.poll()).give("x")
            post = await api.post()
            assert "lambda-runtime-forged" not in post.head.headers
            assert post.head.headers["lambda-runtime-function-error-type"].startswith(
                "Function.Bad"
            )
            await api.poll()

    asyncio.run(scenario())


class Ending(Waiting):
    """Streams to the end."""

    async def serve(self, _event: Any, _context: Any, responder: Responder) -> None:
        await (await responder.stream("text/plain")).end()


class Endless(Waiting):
    """Streams until nobody takes it, and says so or not."""

    def __init__(self, *, swallow: bool) -> None:
        super().__init__()
        self._swallow = swallow

    async def serve(self, _event: Any, _context: Any, responder: Responder) -> None:
        stream = await responder.stream("text/plain")
        try:
            while True:
                await stream.write(bytes(100_000))
        except OSError:
            if not self._swallow:
                raise


@pytest.mark.parametrize("swallow", [False, True])
def test_a_stream_that_is_lost_becomes_an_error_where_that_can_be_told(*, swallow: bool) -> None:
    async def scenario() -> None:
        async with serving(Endless(swallow=swallow)) as (api, _):
            (await api.poll()).give("stream")
            (await api.post(whole=False)).writer.transport.abort()
            post = await api.post()
            assert (post.what, post.head.second.split("/")[4]) == ("error", "id-1")
            assert b'"errorType": "AnswerLost"' in post.received
            await api.poll()

    asyncio.run(scenario())


def test_a_stream_whose_end_is_not_confirmed_is_told_too() -> None:
    async def scenario() -> None:
        async with serving(Ending()) as (api, _):
            api.post_status = lambda post: 202 if post.what == "error" else 0
            (await api.poll()).give("stream")
            posts = [await api.post(), await api.post()]
            await api.poll()
            assert [post.what for post in posts] == ["response", "error"]

    asyncio.run(scenario())


def test_the_loop_ends_where_nobody_listens_any_more() -> None:
    async def scenario() -> None:
        async with serving(echo) as (api, loop):
            poll = await api.poll()
            poll.give("answer")
            await api.post()
            await api.poll()
            api.stop_listening()
            with pytest.raises(RuntimeApiLost, match="is gone"):
                await loop

    asyncio.run(scenario())

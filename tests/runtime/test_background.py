import asyncio
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from adapter.errors import InvalidOption
from adapter.runtime import background
from adapter.runtime.background import Background, Pending, Policy

Work = Callable[[], Coroutine[Any, Any, Any]]


async def invocation(environment: Background, work: Work) -> Pending:
    """Run work as an invocation is run: in a task and a context of its own."""
    own = contextvars.copy_context()
    pending = environment.track(own)
    await asyncio.get_running_loop().create_task(work(), context=own)
    return pending


def scenario(main: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await main()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    asyncio.run(run())


def deadline_now() -> int:
    return int(time.time() * 1000)


kept: set[asyncio.Task[Any]] = set()


def leave(work: Coroutine[Any, Any, Any], name: str | None = None) -> None:
    task = asyncio.create_task(work, name=name)
    kept.add(task)
    task.add_done_callback(kept.discard)


@pytest.fixture(autouse=True)
def _show_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "adapter")


class Mail:
    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, *, after: asyncio.Event | None = None) -> None:
        if after is None:
            for _ in range(10):  # turns of the event loop: longer than its invocation
                await asyncio.sleep(0)
        else:
            await after.wait()
        self.sent.append("mail")


def test_what_an_invocation_left_behind_is_waited_for(  # row 15, R19
    caplog: pytest.LogCaptureFixture,
) -> None:
    mail = Mail()

    async def answer() -> None:
        leave(mail.send())

    async def main() -> None:
        pending = await invocation(Background("wait"), answer)
        assert mail.sent == []
        await pending.settle(0)
        assert mail.sent == ["mail"]

    scenario(main)

    assert caplog.records == []


def test_what_that_left_behind_in_turn_is_waited_for_too() -> None:
    mail = Mail()

    async def outer() -> None:
        await asyncio.sleep(0)  # until its invocation is over
        async with asyncio.TaskGroup() as group:
            group.create_task(mail.send())
        leave(mail.send())

    async def answer() -> None:
        leave(outer())

    async def main() -> None:
        await (await invocation(Background("wait"), answer)).settle(0)
        assert mail.sent == ["mail", "mail"]

    scenario(main)


def test_nothing_is_waited_for_beyond_the_deadline_and_it_is_named_once(  # R19
    caplog: pytest.LogCaptureFixture,
) -> None:
    mail, never = Mail(), asyncio.Event()
    environment = Background("wait")

    async def answer() -> None:
        leave(mail.send(after=never), "monitor")
        leave(mail.send(after=never), "mailer")

    async def nothing() -> None:
        pass

    async def main() -> None:
        pending = await invocation(environment, answer)
        await pending.settle(deadline_now())
        await pending.settle(deadline_now())
        await (await invocation(environment, nothing)).settle(deadline_now())

    scenario(main)

    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "mailer Mail.send (" in record.getMessage()
    assert ", monitor Mail.send (" in record.getMessage()
    assert f"{__file__}:" in record.getMessage()


def test_a_task_that_is_there_to_stay_is_waited_for_once_and_not_long(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "PATIENCE_S", 0.01)
    mail = Mail()
    environment = Background("wait")

    async def monitor() -> None:
        await asyncio.Event().wait()

    async def first() -> None:
        leave(monitor())

    async def second() -> None:
        leave(mail.send())

    async def main() -> None:
        await (await invocation(environment, first)).settle(0)
        monkeypatch.setattr(background, "PATIENCE_S", 3600)
        await (await invocation(environment, second)).settle(deadline_now() + 600_000)

    scenario(main)

    assert mail.sent == ["mail"]
    assert len(caplog.records) == 1


def test_many_are_named_in_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    async def answer() -> None:
        for _ in range(13):
            leave(asyncio.sleep(3600))

    async def main() -> None:
        await (await invocation(Background("report"), answer)).settle(0)

    scenario(main)

    (record,) = caplog.records
    assert record.getMessage().count("Task-") == 10
    assert record.getMessage().endswith(", and 3 more")


def test_a_report_does_not_wait(caplog: pytest.LogCaptureFixture) -> None:  # R19
    mail = Mail()

    async def answer() -> None:
        leave(mail.send(), "mailer")

    async def main() -> None:
        await (await invocation(Background("report"), answer)).settle(0)
        assert mail.sent == []

    scenario(main)

    (record,) = caplog.records
    assert "mailer Mail.send (" in record.getMessage()


def test_what_is_to_be_ignored_is(caplog: pytest.LogCaptureFixture) -> None:  # R19
    mail = Mail()

    async def answer() -> None:
        leave(mail.send())

    async def main() -> None:
        await (await invocation(Background("ignore"), answer)).settle(0)
        assert mail.sent == []

    scenario(main)

    assert caplog.records == []


@pytest.mark.parametrize("policy", ["wait", "report"])
def test_tasks_of_init_and_what_they_make_are_no_invocations(
    policy: Policy,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        orders: asyncio.Queue[str] = asyncio.Queue()

        async def worker() -> None:
            while await orders.get():
                leave(asyncio.sleep(3600))

        async def answer() -> None:
            orders.put_nowait("order")
            await asyncio.sleep(0)  # the worker takes it

        leave(worker())
        await asyncio.sleep(0)  # it begins outside of any invocation
        await (await invocation(Background(policy), answer)).settle(0)

    scenario(main)

    assert caplog.records == []


def test_invocations_at_once_have_tasks_of_their_own() -> None:
    sent: list[str] = []

    async def send(what: str, after: asyncio.Event) -> None:
        await after.wait()
        sent.append(what)

    async def main() -> None:
        events = {"a": asyncio.Event(), "b": asyncio.Event()}
        environment = Background("wait")

        async def serve(what: str) -> None:
            async def answer() -> None:
                await asyncio.sleep(0)  # the other has begun
                leave(send(what, events[what]))

            pending = await invocation(environment, answer)
            await pending.settle(0)
            sent.append(f"{what} is settled")

        serving = [asyncio.ensure_future(serve(what)) for what in "ab"]
        events["b"].set()
        await serving[1]
        assert sent == ["b", "b is settled"]
        events["a"].set()
        await serving[0]

    scenario(main)

    assert sent[2:] == ["a", "a is settled"]


def test_a_task_that_fails_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        await asyncio.sleep(0)  # until its invocation is over
        raise LookupError("no mail")

    async def cancelled() -> None:
        raise asyncio.CancelledError

    async def answer() -> None:
        leave(broken(), "mailer")
        leave(cancelled())

    async def main() -> None:
        await (await invocation(Background("wait"), answer)).settle(0)

    scenario(main)

    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.getMessage().startswith("mailer test_a_task_that_fails_is_logged")
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)


@pytest.mark.skipif(
    hasattr(asyncio, "eager_task_factory"), reason="there a task must begin at once"
)
def test_all_tasks_are_looked_at_only_where_something_may_be_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[set[asyncio.Task[Any]]] = []
    all_tasks = asyncio.all_tasks

    def look() -> set[asyncio.Task[Any]]:
        looks.append(all_tasks())
        return looks[-1]

    async def nothing() -> None:
        await asyncio.sleep(0)

    async def something() -> None:
        leave(nothing())

    async def main() -> None:
        monkeypatch.setattr(asyncio, "all_tasks", look)
        await (await invocation(Background("wait"), nothing)).settle(0)
        assert looks == []
        await (await invocation(Background("wait"), something)).settle(0)
        assert looks

    scenario(main)


def test_the_task_factory_stays_the_users() -> None:
    names: list[str] = []

    class Named(asyncio.Task[Any]):
        pass

    async def note(name: str) -> None:
        await asyncio.sleep(0)  # until its invocation is over
        names.append(name)

    async def answer() -> None:
        leave(note("custom"), "a name")
        (task,) = kept
        assert isinstance(task, Named)
        assert task.get_name() == "a name"

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(
            lambda loop, coroutine, **options: Named(coroutine, loop=loop, **options),
        )
        await (await invocation(Background("wait"), answer)).settle(0)

    scenario(main)

    assert names == ["custom"]


@pytest.mark.skipif(not hasattr(asyncio, "eager_task_factory"), reason="Python 3.12 and newer")
def test_tasks_that_begin_at_once_are_waited_for() -> None:
    mail = Mail()

    async def answer() -> None:
        leave(mail.send())

    async def main() -> None:
        factory: Any = vars(asyncio)["eager_task_factory"]
        asyncio.get_running_loop().set_task_factory(factory)
        await (await invocation(Background("wait"), answer)).settle(0)

    scenario(main)

    assert mail.sent == ["mail"]


@pytest.mark.parametrize(
    ("variables", "policy"),
    [
        ({}, "wait"),
        ({"ADAPTER_BACKGROUND": ""}, "wait"),
        ({"ADAPTER_BACKGROUND": "report"}, "report"),
        ({"ADAPTER_BACKGROUND": "ignore"}, "ignore"),
        ({"ADAPTER_BACKGROUND": "wait", "AWS_LAMBDA_MAX_CONCURRENCY": "1"}, "wait"),
        ({"ADAPTER_BACKGROUND": "wait", "AWS_LAMBDA_MAX_CONCURRENCY": "8"}, "ignore"),
    ],
)
def test_the_policy_comes_from_the_environment(variables: dict[str, str], policy: str) -> None:
    assert Background.from_environment(variables).policy == policy


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(InvalidOption, match="ADAPTER_BACKGROUND='later' must be 'wait', 'report'"):
        Background.from_environment({"ADAPTER_BACKGROUND": "later"})

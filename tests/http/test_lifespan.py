import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI

from adapter.errors import LifespanFailed
from adapter.http.lifespan import Lifespan, Mode, Phase


class App:
    """Speaks lifespan with the messages it was given, and keeps what it received."""

    def __init__(self, *answers: dict[str, Any], then: Exception | None = None) -> None:
        self.received: list[str] = []
        self._answers = answers
        self._then = then

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        for answer in self._answers:
            self.received.append((await receive())["type"])
            scope["state"]["answers"] = len(self.received)
            await send(answer)
        if self._then is not None:
            raise self._then


STARTED = {"type": "lifespan.startup.complete"}
STOPPED = {"type": "lifespan.shutdown.complete"}


async def raw(scope: Any, _receive: Any, _send: Any) -> None:
    if scope["type"] != "http":
        raise RuntimeError("only http")


async def silent(_scope: Any, _receive: Any, _send: Any) -> None:
    """End without a word."""


def test_startup_and_shutdown_are_one_conversation() -> None:
    app, phases = App(STARTED, STOPPED), list[Phase]()

    async def main() -> None:
        lifespan = Lifespan(app)
        phases.append(lifespan.phase)
        await lifespan.startup()
        phases.append(lifespan.phase)
        assert app.received == ["lifespan.startup"]
        assert lifespan.state == {"answers": 1}
        await lifespan.shutdown()
        await lifespan.shutdown()
        phases.append(lifespan.phase)

    asyncio.run(main())

    assert phases == [Phase.NEW, Phase.STARTED, Phase.ENDED]
    assert app.received == ["lifespan.startup", "lifespan.shutdown"]


@pytest.mark.parametrize("app", [raw, silent])
def test_auto_allows_an_application_without_lifespan(app: Any) -> None:
    async def main() -> None:
        lifespan = Lifespan(app, "auto")
        await lifespan.startup()
        assert lifespan.phase is Phase.UNSUPPORTED
        await lifespan.shutdown()

    asyncio.run(main())


@pytest.mark.parametrize("app", [raw, silent])
def test_on_requires_lifespan(app: Any) -> None:
    with pytest.raises(LifespanFailed, match="does not support lifespan") as caught:
        asyncio.run(Lifespan(app, "on").startup())

    assert isinstance(caught.value.__cause__, RuntimeError if app is raw else type(None))


def test_exit_during_startup_ends_the_process() -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        asyncio.run(Lifespan(app).startup())


def test_off_leaves_the_application_alone() -> None:
    app = App(STARTED)

    async def main() -> None:
        lifespan = Lifespan(app, "off")
        await lifespan.startup()
        await lifespan.shutdown()

    asyncio.run(main())

    assert app.received == []


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_failed_startup_is_an_error_with_its_cause(mode: Mode) -> None:
    failed = {"type": "lifespan.startup.failed", "message": "no model"}
    cause = FileNotFoundError("model.bin")

    with pytest.raises(LifespanFailed, match="no model") as caught:
        asyncio.run(Lifespan(App(failed, then=cause), mode).startup())

    assert caught.value.__cause__ is cause


def test_a_traceback_as_message_is_told_in_one_line() -> None:
    failed = {"type": "lifespan.startup.failed", "message": "Traceback\n  File a\nKeyError: 1"}

    with pytest.raises(LifespanFailed) as caught:
        asyncio.run(Lifespan(App(failed, then=FileNotFoundError("model.bin"))).startup())

    assert str(caught.value) == "FileNotFoundError: model.bin"


def test_failed_startup_that_waits_for_more_ends_all_the_same() -> None:
    app = App({"type": "lifespan.startup.failed"}, STOPPED)

    with pytest.raises(LifespanFailed, match="lifespan failed"):
        asyncio.run(Lifespan(app).startup())


def test_shutdown_of_an_application_that_waits_for_more_ends_all_the_same() -> None:
    async def main() -> None:
        lifespan = Lifespan(App(STARTED, STOPPED, STARTED))
        await lifespan.startup()
        await lifespan.shutdown()

    asyncio.run(main())


@pytest.mark.parametrize(
    "app",
    [
        App(STARTED, {"type": "lifespan.shutdown.failed", "message": "stuck"}),
        App(STARTED, then=LookupError("stuck")),
    ],
)
def test_failed_shutdown_is_an_error(app: App) -> None:
    async def main() -> None:
        lifespan = Lifespan(app)
        await lifespan.startup()
        await lifespan.shutdown()

    with pytest.raises(LifespanFailed):
        asyncio.run(main())


def test_fastapi_runs_in_one_task_from_start_to_end() -> None:
    tasks = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, str]]:
        tasks.append(asyncio.current_task())
        yield {"model": "loaded"}
        tasks.append(asyncio.current_task())

    async def main() -> None:
        running = Lifespan(FastAPI(lifespan=lifespan))
        await running.startup()
        assert running.state == {"model": "loaded"}
        await running.shutdown()

    asyncio.run(main())

    assert tasks[0] is tasks[1]


def load_model() -> None:
    raise FileNotFoundError("model.bin")


def test_fastapi_whose_startup_fails_shows_the_cause() -> None:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        load_model()
        yield

    with pytest.raises(LifespanFailed, match=r"model\.bin") as caught:
        asyncio.run(Lifespan(FastAPI(lifespan=lifespan)).startup())

    assert isinstance(caught.value.__cause__, FileNotFoundError)

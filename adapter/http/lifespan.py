"""The ASGI lifespan of an application: startup once per environment, shutdown at most once.

https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from enum import Enum, auto
from typing import Any, Literal

from adapter.errors import LifespanFailed

Message = MutableMapping[str, Any]
ASGIApp = Callable[..., Awaitable[None]]
Mode = Literal["auto", "on", "off"]


class Phase(Enum):
    """Where the lifespan stands.

    NEW: startup was not asked for. STARTED: startup completed. UNSUPPORTED: the application does
    not speak the protocol, which is allowed in mode "auto". ENDED: shutdown was done.
    """

    NEW = auto()
    STARTED = auto()
    UNSUPPORTED = auto()
    ENDED = auto()


class Lifespan:
    """Runs an application's lifespan in a task of its own for the life of the environment."""

    def __init__(self, app: ASGIApp, mode: Mode = "auto") -> None:
        self.state: dict[str, Any] = {}
        self.phase = Phase.NEW
        self._app = app
        self._mode = mode
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Run startup. Raises `LifespanFailed`, or what the application raised in mode "on"."""
        if self._mode == "off":
            self.phase = Phase.UNSUPPORTED
            return
        self._task = asyncio.create_task(self._run(), name="lifespan")
        answer = await self._exchange("lifespan.startup", self._task)
        if answer is None:
            self._unsupported(self._task)
        elif answer["type"] == "lifespan.startup.failed":
            await self._end(self._task)
            raise _failed(answer, self._task)
        else:
            self.phase = Phase.STARTED

    async def shutdown(self) -> None:
        """Run shutdown, where startup was done. Raises `LifespanFailed` where it fails."""
        if self.phase is not Phase.STARTED or self._task is None:
            return
        self.phase = Phase.ENDED
        answer = await self._exchange("lifespan.shutdown", self._task)
        await self._end(self._task)
        if answer is None or answer["type"] == "lifespan.shutdown.failed":
            raise _failed(answer or {}, self._task)

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        await self._app(scope, self._to_app.get, self._from_app.put)

    async def _exchange(self, message_type: str, task: asyncio.Task[None]) -> Message | None:
        """Send a message and wait for the answer; None where the application ends without one."""
        self._to_app.put_nowait({"type": message_type})
        answer = asyncio.ensure_future(self._from_app.get())
        await asyncio.wait([answer, task], return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        return None

    async def _end(self, task: asyncio.Task[None]) -> None:
        """See the task to its end; one that waits for another message would wait for ever."""
        await asyncio.sleep(0)  # for what it does after its answer
        task.cancel()
        await asyncio.wait([task])

    def _unsupported(self, task: asyncio.Task[None]) -> None:
        error = _error(task)
        if self._mode == "on":
            raise LifespanFailed("the application does not support lifespan") from error
        self.phase = Phase.UNSUPPORTED


def _failed(answer: Message, task: asyncio.Task[None]) -> LifespanFailed:
    """Say what went wrong, in the application's words if they are one line.

    Starlette's message is the traceback, which comes with the exception.
    """
    error = _error(task)
    text = str(answer.get("message") or "")
    if error is not None and (not text or "\n" in text):
        text = f"{type(error).__name__}: {error}"
    failed = LifespanFailed(text or "lifespan failed")
    failed.__cause__ = error
    return failed


def _error(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() or not task.done() else task.exception()

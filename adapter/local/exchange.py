"""An invocation on its way through an environment, until it is answered.

The Runtime API writes the answer into it and the caller reads it out, whole or piece by piece. A
piece is handed over only when the caller takes it, so a slow caller slows the function.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from adapter.local.invocation import Answer, Invocation, error_type_of, failure

_LOG_TAIL = 4 * 1024  # bytes: what LogType=Tail returns


def _nothing() -> None:
    """Do nothing."""


class Exchange:
    """One attempt at an invocation, and the `Reply` to it.

    `invocation_id` tells attempts apart that share a request id. It ends once: what is reported
    later, by a runtime that does not know of a timeout yet, changes nothing. `cold` says that it
    waits for an init. Whoever holds it says with `on_cancel` what else a cancellation takes, and
    the Runtime API with `hang_up` how to tell the runtime of it; None where it cannot be told.
    `on_taken` is called when the next piece of a stream is wanted.
    """

    def __init__(self, invocation: Invocation) -> None:
        self.invocation = invocation
        self.invocation_id = str(uuid.uuid4())
        self.cold = False
        self.streamed = False
        self.content_type = ""
        self.timer: asyncio.TimerHandle | None = None
        self.on_cancel: Callable[[], None] = _nothing
        self.hang_up: Callable[[], None] | None = None
        self.on_taken: Callable[[], None] = _nothing
        self._answer: Answer | None = None
        self._told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._begun = asyncio.Event()
        self._piece = b""
        self._given = asyncio.Event()
        self._started = time.perf_counter()
        self._log_tail = bytearray()

    @property
    def request_id(self) -> str:
        """The id that the runtime answers to."""
        return self.invocation.request_id

    @property
    def ended(self) -> bool:
        """Whether it is answered to the end, failed, or nobody wants it any more."""
        return self._answer is not None

    def on_end(self, call: Callable[[], None]) -> None:
        """Call soon after it has ended."""
        self._told.add_done_callback(lambda _: call())

    def print(self, line: bytes) -> None:
        """Keep what the environment prints meanwhile."""
        self._log_tail += line + b"\n"
        del self._log_tail[:-_LOG_TAIL]

    def begin(self, timer: asyncio.TimerHandle) -> None:
        """The runtime has the event; `timer` is what ends it, cancelled by an answer in time."""
        self._started = time.perf_counter()
        self.timer = timer

    def respond(self, payload: bytes) -> None:
        """The function returned."""
        self._end(payload, None)

    def report(self, payload: bytes) -> None:
        """The function raised, also in mid-stream; `payload` is the runtime's error object."""
        self._end(payload, error_type_of(payload))

    def fail(self, error_type: str, message: str) -> None:
        """Lambda declares the invocation failed, in the words it uses."""
        text = f"RequestId: {self.request_id} Error: {message}"
        self._end(failure(error_type, text).payload, error_type)

    def stream(self, content_type: str) -> None:
        """The function begins to answer piece by piece; `respond` with b"" is the end of it."""
        if not self.ended:
            self.streamed = True
            self.content_type = content_type
            self._begun.set()

    def give(self, piece: bytes) -> None:
        """Hand over a piece, when the one before it has been `taken`."""
        if not self.ended and piece:
            self._piece = piece
            self._given.set()

    @property
    def taken(self) -> bool:
        """Whether the last piece was taken, or nobody takes any more."""
        return self.ended or not self._piece

    async def begun(self) -> None:
        """Wait until it is answered or a stream has begun."""
        await self._begun.wait()

    def cancel(self) -> None:
        """Nobody waits for the answer any more."""
        if not self.ended:
            self.on_cancel()
            self.fail("Sandbox.Cancelled", "The caller did not wait for the answer")

    async def pieces(self) -> AsyncIterator[bytes]:
        """See `Reply`."""
        while self.streamed:
            await self._given.wait()
            if self._piece:
                piece, self._piece = self._piece, b""
                self.on_taken()
                yield piece
            elif self.ended:
                return
            else:
                self._given.clear()

    @property
    def answer(self) -> Answer:
        """See `Reply`."""
        if self._answer is None:
            raise RuntimeError("the function has not answered to the end")
        return replace(self._answer, cold=self.cold, log_tail=bytes(self._log_tail))

    def _end(self, payload: bytes, error_type: str | None) -> None:
        if self.timer is not None:
            self.timer.cancel()
        if self.ended:  # answered before, or nobody waits any more
            return
        duration = (time.perf_counter() - self._started) * 1000
        self._answer = Answer(payload=payload, error_type=error_type, duration_ms=duration)
        # Not at once: what the environment has printed before may have come in the same turn.
        asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self._told.set_result(None)
        self._begun.set()
        self._given.set()
        self.on_taken()

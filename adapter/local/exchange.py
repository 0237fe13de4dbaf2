"""An invocation that an environment has been given, until it is answered.

The Runtime API writes into it and the caller waits for it. Its answer is one whole value today;
when answers are streamed, this is where their chunks pass from the one to the other.
"""

import asyncio
import time
import uuid

from adapter.local.invocation import Answer, Invocation, error_type_of, failure


class Exchange:
    """One attempt at an invocation.

    `invocation_id` tells attempts apart that share a request id. `answer` is done once: what is
    reported later, by a runtime that does not know of a timeout yet, changes nothing.
    """

    def __init__(self, invocation: Invocation) -> None:
        self.invocation = invocation
        self.invocation_id = str(uuid.uuid4())
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._begun = time.perf_counter()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def request_id(self) -> str:
        """The id that the runtime answers to."""
        return self.invocation.request_id

    def begin(self, timer: asyncio.TimerHandle) -> None:
        """The runtime has the event; `timer` is what ends it, cancelled by an answer in time."""
        self._begun = time.perf_counter()
        self._timer = timer

    def respond(self, payload: bytes) -> None:
        """The function returned."""
        self._finish(payload, None)

    def report(self, payload: bytes) -> None:
        """The function raised; `payload` is the runtime's error object."""
        self._finish(payload, error_type_of(payload))

    def fail(self, error_type: str, message: str) -> None:
        """Lambda declares the invocation failed, in the words it uses."""
        text = f"RequestId: {self.request_id} Error: {message}"
        self._finish(failure(error_type, text).payload, error_type)

    def _finish(self, payload: bytes, error_type: str | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.answer.done():  # answered before, or nobody waits any more
            return
        duration = (time.perf_counter() - self._begun) * 1000
        self.answer.set_result(
            Answer(payload=payload, error_type=error_type, duration_ms=duration),
        )

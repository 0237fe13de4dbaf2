"""One HTTP request on its way through a function, and the answer on its way back."""

import asyncio
import time
from dataclasses import dataclass

from adapter.local.asgi import BrokenResponseError
from adapter.local.http_event import HttpRequest
from adapter.local.http_result import HttpResponse, MalformedResultError
from adapter.local.integration import Integration
from adapter.local.invocation import Answer, Invocation, Reply, ThrottledError
from adapter.local.log import Log
from adapter.local.prelude import read_prelude
from adapter.local.streamed_response import StreamedResponse

MALFORMED = "malformed result"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a request ended.

    `response` is what remains to be sent, whole; None where a streamed one has begun. `error` is
    empty where all went well.
    """

    response: HttpResponse | None
    answer: Answer
    error: str = ""


def refused(response: HttpResponse, error: str) -> Outcome:
    """Make the outcome of a request that no function has answered."""
    return Outcome(response=response, answer=Answer(payload=b""), error=error)


class HttpRelay:
    """Invokes the function and sends a streamed answer on, all but its end.

    `begun` is True as soon as a stream begins, or else at the end, and False where nobody waits for
    that any longer.
    """

    def __init__(
        self,
        integration: Integration,
        request: HttpRequest,
        streamed: StreamedResponse,
        log: Log,
    ) -> None:
        self.integration = integration
        self.streamed = streamed
        self.begun: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._started = time.perf_counter()
        self._request = request
        self._log = log

    @property
    def first_byte_ms(self) -> float | None:
        """When a streamed response began, counted from the request; None where none did."""
        return self._ms(self.streamed.first_byte_at) if self.streamed.begun else None

    def stop_waiting(self) -> None:
        """Wait no longer for it to begin; the function runs to its end all the same."""
        if not self.begun.done():
            self.begun.set_result(False)

    def unanswered(self) -> Answer:
        """Make the answer of a function that has not said the end of its own."""
        return Answer(payload=b"", duration_ms=self._ms(time.perf_counter()))

    def _ms(self, moment: float) -> float:
        return (moment - self._started) * 1000

    async def run(self, invocation: Invocation) -> Outcome:
        """Invoke the function. A cancellation cancels the invocation, too."""
        function = self.integration.function
        try:
            if not self.integration.streams:
                return self._whole(await function.invoke(invocation))
            async with function.open(invocation) as reply:
                return await self._take(reply)
        except ThrottledError:
            return refused(self.integration.refusals.throttled, "TooManyRequestsException")
        finally:
            if not self.begun.done():
                self.begun.set_result(True)

    async def _take(self, reply: Reply) -> Outcome:
        if not reply.streamed:
            return self._whole(reply.answer)
        if self.begun.done():
            return await self._drop(reply)
        self.begun.set_result(True)
        try:
            await self._pass_on(reply)
            if (error := reply.answer.error_type) is not None:
                return self._failed(error, reply.answer)
            self.streamed.check()
        except (MalformedResultError, BrokenResponseError) as error:
            return self._malformed(str(error), self.unanswered())
        return Outcome(response=None, answer=reply.answer)

    async def _pass_on(self, reply: Reply) -> None:
        head, data = self.integration.begin(reply.content_type), b""
        if head is not None:
            await self.streamed.start(head)
        async for piece in reply.pieces():
            if head is not None:
                await self.streamed.write(piece)
                continue
            data += piece
            if (found := read_prelude(data)) is not None:
                head, body = found
                await self.streamed.start(head)
                await self.streamed.write(body)

    async def _drop(self, reply: Reply) -> Outcome:
        async for _ in reply.pieces():
            pass
        return Outcome(response=None, answer=reply.answer)

    def _whole(self, answer: Answer) -> Outcome:
        if answer.error_type is not None:
            return self._failed(answer.error_type, answer)
        try:
            response = self.integration.response(answer.payload, self._request.method)
        except MalformedResultError as error:
            return self._malformed(str(error), answer)
        return Outcome(response=response, answer=answer)

    def _malformed(self, reason: str, answer: Answer) -> Outcome:
        self._log.problem(self.integration.name, MALFORMED, reason)
        return self._failed(MALFORMED, answer)

    def _failed(self, error: str, answer: Answer) -> Outcome:
        response = None if self.streamed.begun else self.integration.refusals.failed
        return Outcome(response=response, answer=answer, error=error)

"""The answer to one invocation, on its way to the Runtime API."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

from adapter.messages import RequestBody
from adapter.responder import ResponseStream
from adapter.runtime.client import (
    FATAL,
    STALE,
    TOO_LARGE,
    RuntimeApi,
    RuntimeApiError,
    RuntimeApiLost,
)
from adapter.runtime.protocol import Failure, Invocation, to_json

logger = logging.getLogger("adapter.runtime")

FAIL_S = 0.2  # to tell that a stream has failed; after it the connection is cut


class PostedAnswer:
    """Posts the answer as soon as the function has it; see `Responder`.

    Whatever goes wrong on the way is logged here, once: the function has done its part.
    """

    streams = True

    def __init__(self, api: RuntimeApi, invocation: Invocation) -> None:
        self.answered = False
        self.unwanted = False  # the caller does not wait any more
        self._api = api
        self._invocation = invocation
        self._stream: PostedStream | None = None

    def on_cancel(self, cancel: Callable[[], Any]) -> None:
        """Call `cancel` where the caller stops waiting, if the Runtime API can tell."""

        def hung_up() -> None:
            self.unwanted = True
            cancel()

        if self._invocation.cancellable and not self._complete:
            self._api.on_hang_up(hung_up)

    @property
    def _complete(self) -> bool:
        return self.answered and (self._stream is None or self._stream.ended)

    async def respond(self, result: Any) -> None:
        """Post a result; one that Lambda refuses becomes a function error.

        Of one over 6 MB Lambda makes the error itself.
        """
        body = to_json(result)
        self.answered = True
        if self.unwanted:
            return
        self._api.on_hang_up(None)
        try:
            await self._api.respond(self._invocation, body)
        except RuntimeApiError as error:
            await self._refused(error, len(body))
        except (OSError, RuntimeApiLost) as error:
            await self._lost("the answer was lost on its way", error)

    async def stream(self, content_type: str) -> ResponseStream:
        """Begin to post a response piece by piece. Raises OSError."""
        try:
            body = await self._api.stream(self._invocation, content_type)
        except RuntimeApiLost as error:
            raise ConnectionError(str(error)) from error
        self.answered = True
        self._stream = PostedStream(self._api, body)
        return self._stream

    async def close(self) -> None:
        """Give up a stream that was lost on its way, when the function has ended."""
        if self._stream is not None and self._stream.lost is not None and not self.unwanted:
            await self._lost("the stream was lost on its way", self._stream.lost)

    async def _lost(self, what: str, error: Exception) -> None:
        """Tell that there will be no answer, as far as anything still can be told.

        Or the caller would wait until the deadline; and Lambda, as its emulator has it, hands out
        again what is not answered when the loop asks for the next: the function would run twice.
        """
        logger.warning("%s: %s", what, error)
        self._api.on_hang_up(None)
        failure = Failure(error_type="AnswerLost", message=f"{what}: {error}")
        with contextlib.suppress(OSError, RuntimeApiError, RuntimeApiLost):
            await self._api.fail(self._invocation, failure)

    async def _refused(self, error: RuntimeApiError, size: int) -> None:
        if error.repeated and error.status != FATAL:
            logger.warning("the answer was sent twice, and may have been lost: %s", error)
        elif error.status == STALE:
            logger.warning("the answer came too late and was dropped: %s", error)
        elif error.status == TOO_LARGE:
            logger.error("the answer has %d bytes; Lambda takes 6 MB (6,291,556 bytes)", size)
        elif error.status == FATAL:
            logger.error("%s", error)
        else:
            await self._post_failure(Failure(error_type="ResponseRefused", message=str(error)))

    async def fail(self, error: BaseException) -> None:
        """Tell that the function failed, as far as the answer still can, and log it."""
        if self._stream is not None and not self._stream.ended and not self.unwanted:
            await self._stream.fail(error)
        elif self.answered:
            _log(Failure.of(error))
        else:
            await self._post_failure(Failure.of(error))

    async def _post_failure(self, failure: Failure) -> None:
        self.answered = True
        _log(failure)
        if self.unwanted:
            return
        self._api.on_hang_up(None)
        try:
            await self._api.fail(self._invocation, failure)
        except (OSError, RuntimeApiError, RuntimeApiLost) as error:
            logger.warning("the error was not taken: %s", error)


class PostedStream:
    """A response on its way to the Runtime API, piece by piece; see `ResponseStream`."""

    def __init__(self, api: RuntimeApi, body: RequestBody) -> None:
        self.ended = False
        self.lost: OSError | None = None
        self._api = api
        self._body = body

    async def write(self, data: bytes) -> None:
        """Send a piece."""
        if self.ended:
            raise ConnectionError("the response has ended")
        try:
            await self._body.write(data)
        except OSError as error:
            self.ended = True
            self.lost = error
            raise

    async def end(self) -> None:
        """Complete the response."""
        await self._end({})

    async def fail(self, error: BaseException) -> None:
        """Break the response off with error trailers."""
        failure = Failure.of(error)
        _log(failure)
        # A reader that has fallen behind would hold this up until Lambda ends the environment.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAIL_S):
                await self._end(failure.trailers())

    async def _end(self, trailers: dict[str, str]) -> None:
        if self.ended:
            return
        self.ended = True
        try:
            self._api.check("a stream", await self._body.end(trailers))
        except RuntimeApiError as error:
            logger.warning("the stream was not taken to its end: %s", error)
        except OSError as error:
            self.lost = error
        self._api.on_hang_up(None)


def _log(failure: Failure) -> None:
    what = (failure.error_type, failure.message)
    logger.error("%s: %s", *what, extra={"failure": failure})

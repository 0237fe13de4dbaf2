"""The answer to one invocation, on its way to the Runtime API."""

import logging
from typing import Any

from adapter.runtime.client import STALE, TOO_LARGE, RuntimeApi, RuntimeApiError
from adapter.runtime.protocol import Failure, Invocation, to_json

logger = logging.getLogger("adapter.runtime")


class PostedAnswer:
    """Posts the answer as soon as the function has it; see `Responder`."""

    def __init__(self, api: RuntimeApi, invocation: Invocation) -> None:
        self.answered = False
        self._api = api
        self._invocation = invocation

    async def respond(self, result: Any) -> None:
        """Post a result; one that Lambda refuses becomes a function error.

        Of one over 6 MB Lambda makes the error itself.
        """
        body = to_json(result)
        self.answered = True
        try:
            await self._api.respond(self._invocation, body)
        except RuntimeApiError as error:
            await self._refused(error, len(body))

    async def _refused(self, error: RuntimeApiError, size: int) -> None:
        if error.status == STALE:
            logger.warning("the answer came too late and was dropped: %s", error)
        elif error.status == TOO_LARGE:
            logger.error("the answer has %d bytes; Lambda takes 6 MB (6,291,556 bytes)", size)
        else:
            await self.fail(Failure(error_type="ResponseRefused", message=str(error)))

    async def fail(self, failure: Failure) -> None:
        """Post a function error, and log it."""
        self.answered = True
        self.log(failure)
        try:
            await self._api.fail(self._invocation, failure)
        except RuntimeApiError as error:
            logger.warning("%s", error)

    def log(self, failure: Failure) -> None:
        """Log an error of the function."""
        what = (failure.error_type, failure.message)
        logger.error("%s: %s", *what, extra={"failure": failure})

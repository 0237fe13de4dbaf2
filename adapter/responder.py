"""Where the answer to an invocation goes, so that a function may work on after it has left."""

from typing import Any, Protocol


class ResponseStream(Protocol):
    """Takes a response piece by piece."""

    async def write(self, data: bytes) -> None:
        """Send a piece; waits while the reader is behind.

        Raises OSError where nobody takes the rest.
        """
        ...

    async def end(self) -> None:
        """Say that the response is complete."""
        ...

    async def fail(self, error: BaseException) -> None:
        """Break the response off, so that it never looks complete."""
        ...


class Responder(Protocol):
    """Takes the answer to one invocation: whole by `respond`, or piece by piece by `stream`."""

    @property
    def answered(self) -> bool:
        """Whether the answer was given, or a stream was begun."""
        ...

    @property
    def streams(self) -> bool:
        """Whether `stream` may be used. AWS's own runtime client takes whole answers only."""
        ...

    async def respond(self, result: Any) -> None:
        """Answer, once, with bytes or a value that JSON can say.

        Raises TypeError or ValueError for any other; then there is no answer yet.
        """

    async def stream(self, content_type: str) -> ResponseStream:
        """Begin a response that is sent piece by piece, once and instead of `respond`."""
        ...


class Collected:
    """Keeps the answer for a caller that wants it as a return value, as AWS's own client does."""

    streams = False

    def __init__(self) -> None:
        self.answered = False
        self.result: Any = None

    async def respond(self, result: Any) -> None:
        """Keep the answer."""
        self.answered = True
        self.result = result

    async def stream(self, content_type: str) -> ResponseStream:
        """Refuse: `streams` says so."""
        raise RuntimeError(f"a stream of {content_type} cannot be a return value")

"""Where the answer to an invocation goes, so that a function may work on after it has left."""

from typing import Any, Protocol


class Responder(Protocol):
    """Takes the answer to one invocation."""

    @property
    def answered(self) -> bool:
        """Whether the answer was given."""
        ...

    async def respond(self, result: Any) -> None:
        """Answer, once, with bytes or a value that JSON can say.

        Raises TypeError or ValueError for any other; then there is no answer yet.
        """


class Collected:
    """Keeps the answer for a caller that wants it as a return value, as AWS's own client does."""

    def __init__(self) -> None:
        self.answered = False
        self.result: Any = None

    async def respond(self, result: Any) -> None:
        """Keep the answer."""
        self.answered = True
        self.result = result

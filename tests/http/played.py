"""An ASGI application that does what it is told, and keeps what it saw."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from tests.gateways.seen import Seen


class Fault(Enum):
    """Where an application fails, if it does."""

    BEFORE_THE_START = auto()
    AFTER_THE_START = auto()
    AFTER_A_PIECE = auto()
    SAYS_NOTHING = auto()
    SAYS_NO_BODY = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the application sends: each of `pieces` in a message of its own."""

    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()
    pieces: tuple[bytes, ...] = (b"",)
    reads_body: bool = True
    fault: Fault | None = None


class Played:
    """The application; `answer` is what it gives next."""

    def __init__(self) -> None:
        self.answer = Answer()
        self._seen: Seen | None = None

    def seen(self) -> Seen:
        """Return what it saw of the latest request, once."""
        seen, self._seen = self._seen, None
        assert seen is not None, "the application was not reached"
        return seen

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        answer = self.answer
        self._seen = Seen.of(scope, await _body(receive) if answer.reads_body else None)
        if answer.fault is Fault.SAYS_NOTHING:
            return
        if answer.fault is Fault.BEFORE_THE_START:
            raise LookupError("before the start")
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        await send(start)
        if answer.fault is Fault.SAYS_NO_BODY:
            return
        if answer.fault is Fault.AFTER_THE_START:
            raise LookupError("after the start")
        for number, piece in enumerate(answer.pieces, 1):
            more = number < len(answer.pieces) or answer.fault is Fault.AFTER_A_PIECE
            await send({"type": "http.response.body", "body": piece, "more_body": more})
        if answer.fault is Fault.AFTER_A_PIECE:
            raise LookupError("after a piece")


async def _body(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        assert message["type"] == "http.request"
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body

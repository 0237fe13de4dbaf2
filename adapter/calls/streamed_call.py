"""The items of a call that InvokeWithResponseStream carries. No I/O.

https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
"""

from collections.abc import Iterator
from typing import Any

from adapter.calls.error_object import exception, parsed
from adapter.calls.event_stream import EventStreamError, EventStreamReader, Message
from adapter.calls.frames import FrameReader
from adapter.errors import InvocationError

INTERRUPTED = "StreamInterrupted"


class StreamedCall:
    """Reads the items from the bytes of the response, however these are cut into pieces."""

    def __init__(self, function: str, deployment: str) -> None:
        self._function = function
        self._deployment = deployment
        self._events = EventStreamReader()
        self._frames = FrameReader(deployment)

    @property
    def complete(self) -> bool:
        """Whether the callee has said that there are no more items."""
        return self._frames.complete

    def feed(self, data: bytes) -> Iterator[Any]:
        """Yield the items that end in `data`.

        Raises the callee's exception, and `InvocationError` where the stream is damaged or ends
        without its end.
        """
        try:
            for message in self._events.feed(data):
                yield from self._message(message)
        except EventStreamError as error:
            raise InvocationError(self._function, INTERRUPTED, str(error)) from error

    def interrupted(self) -> InvocationError:
        """Make the error of a response that ended too early."""
        if rest := self._frames.rest:
            detail = f"the answer is no stream of items: {rest[:100]!r}"
        else:
            detail = "the stream broke off"
        return InvocationError(self._function, INTERRUPTED, detail)

    def _message(self, message: Message) -> Iterator[Any]:
        headers = message.headers
        match headers.get(":message-type"), headers.get(":event-type"):
            case "event", "PayloadChunk":
                yield from self._frames.feed(message.payload)
            case "event", "InvokeComplete":
                self._end_of_invocation(parsed(message.payload))
            case "exception", _:
                detail = parsed(message.payload)
                text = str(detail.get("Message") or detail.get("message") or "")
                raise InvocationError(self._function, headers.get(":exception-type", ""), text)
            case "error", _:
                text = headers.get(":error-message", "")
                raise InvocationError(self._function, headers.get(":error-code", ""), text)

    def _end_of_invocation(self, found: dict[str, Any]) -> None:
        if self.complete:
            return  # what the function did after its last item is not the caller's
        if code := found.get("ErrorCode"):
            raise self._failure(str(code), str(found.get("ErrorDetails") or ""))
        raise self.interrupted()

    def _failure(self, code: str, details: str) -> Exception:
        """Make the callee's exception; its error object is in the details or the payload."""
        for error in (parsed(details), parsed(self._frames.rest)):
            if "errorType" in error or "errorMessage" in error:
                return exception(self._deployment, {"errorType": code, **error})
        return exception(self._deployment, {"errorType": code, "errorMessage": details})

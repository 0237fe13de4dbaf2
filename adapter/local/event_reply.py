"""An answer as an event stream: what InvokeWithResponseStream sends."""

import time

from starlette.types import Send

from adapter.local import event_stream
from adapter.local.api_reply import encoded
from adapter.local.invocation import Answer


class EventReply:
    """Sends one answer as it comes, and how it ended."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.request_id = request_id
        self.streamed = False  # it came piece by piece, so far
        self.size = 0  # bytes of the payload so far
        self._send = send
        self._created = self._first_byte = time.perf_counter()

    @property
    def first_byte_ms(self) -> float:
        """When the answer began, counted from the request."""
        return (self._first_byte - self._created) * 1000

    async def start(self, version: str, *, streamed: bool) -> None:
        """Begin; `version` is that of the function."""
        self.streamed = streamed
        self._first_byte = time.perf_counter()
        headers = {"content-type": event_stream.CONTENT_TYPE, "x-amz-executed-version": version}
        await self._send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": encoded(headers, self.request_id),
            },
        )

    async def write(self, data: bytes) -> None:
        """Send a piece of the payload; waits while the caller is behind."""
        self.size += len(data)
        for message in event_stream.payload_chunks(data):
            await self._send({"type": "http.response.body", "body": message, "more_body": True})

    async def complete(self, answer: Answer, log: str | None) -> None:
        """Send the end; of a function that failed, what it failed with."""
        members = {}
        if answer.error_type is not None:
            members["ErrorCode"] = answer.error_type
            members["ErrorDetails"] = answer.payload.decode("utf-8", "replace")
        if log is not None:
            members["LogResult"] = log
        await self._send(
            {"type": "http.response.body", "body": event_stream.invoke_complete(**members)},
        )

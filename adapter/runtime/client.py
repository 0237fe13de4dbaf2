"""The client of the Runtime API: one connection, kept alive."""

import asyncio
import logging
from collections.abc import Callable

from adapter.connection import Connection
from adapter.errors import AdapterError
from adapter.http1 import Response, request_bytes
from adapter.messages import RequestBody
from adapter.runtime import protocol
from adapter.runtime.blocking import BlockingConnection
from adapter.runtime.protocol import Failure, Invocation

logger = logging.getLogger("adapter.runtime")

ACCEPTED = 202
OK = 200
STALE = 410
TOO_LARGE = 413
FATAL = 500
TRIES = 5  # to get an invocation, as AWS's own client on Managed Instances
PAUSE_S = 0.05


class RuntimeApiError(AdapterError):
    """The Runtime API refused a request; `status` is its HTTP status.

    `repeated` says that the same had been sent before, over a connection that was lost: then it may
    have arrived.
    """

    def __init__(self, what: str, response: Response, *, repeated: bool = False) -> None:
        detail = response.body[:500].decode("utf-8", "replace")
        super().__init__(f"the Runtime API answered {what} with {response.status}: {detail}")
        self.status = response.status
        self.repeated = repeated


class RuntimeApiLost(AdapterError):
    """The Runtime API is gone: the environment is being ended."""


class RuntimeApi:
    """Asks for invocations and posts their answers.

    `headers` go with the first request for an invocation. `blocking` makes it wait without giving
    the event loop a turn, which is faster where nothing else is in flight.
    """

    def __init__(
        self,
        address: str,
        headers: dict[str, str] | None = None,
        *,
        blocking: bool = False,
    ) -> None:
        host, _, port = address.rpartition(":")
        self._host = host
        self._port = int(port)
        self._address = address
        self._kind = BlockingConnection if blocking else Connection
        self._connection: BlockingConnection | Connection | None = None
        self._streaming: Connection | None = None
        self._blocking = blocking
        self.waiting = False  # for an invocation
        self._interrupted = False
        self._headers = {"host": address, "user-agent": "serve-adapter"}
        self._next_request = self._to_next({})
        self._first_request = self._to_next(headers or {})
        self._broken: RuntimeApiError | None = None

    async def next(self) -> Invocation:
        """Wait for the next invocation, for as long as it takes: the environment may be frozen.

        A broken connection, a refusal and an answer that cannot be read are logged and asked again,
        five times. Raises `RuntimeApiLost` where nobody listens any more, and `RuntimeApiError`
        where AWS's documentation has the process end: after a 500, or after the fifth refusal.
        """
        for attempt in range(1, TRIES + 1):
            if self._broken is not None:
                raise self._broken
            try:
                return await self._next()
            except (OSError, KeyError) as error:
                failure: Exception = error
            except RuntimeApiError as error:
                if error.status == FATAL or attempt == TRIES:
                    raise
                failure = error
            logger.warning("no invocation from the Runtime API, asking again: %r", failure)
            # What fails at once fails five times at once: an endpoint that is busy, or begins anew,
            # needs a moment.
            await asyncio.sleep(PAUSE_S * attempt)
        raise RuntimeApiLost(f"the Runtime API at {self._address} gave no invocation")

    async def _next(self) -> Invocation:
        connection = await self._connected()
        self.waiting = True
        try:
            if self._interrupted:
                raise asyncio.CancelledError
            response = await connection.exchange(self._first_request or self._next_request)
        finally:
            self.waiting = False
        self._first_request = b""
        if response.status != OK:
            raise RuntimeApiError("next", response)
        return Invocation.parse(response.headers, response.body)

    def interrupt(self) -> None:
        """End a wait that blocks, from a signal handler: `next` raises CancelledError.

        Where the wait is under way it is raised here: that is how a handler ends a system call.
        """
        self._interrupted = True
        if self._blocking and self.waiting:
            raise asyncio.CancelledError

    def on_hang_up(self, call: Callable[[], None] | None) -> None:
        """Call when the Runtime API hangs up on the invocation that came last; None: no more."""
        if self._connection is not None:
            self._connection.on_hang_up(call)

    async def respond(self, invocation: Invocation, body: bytes) -> None:
        """Post a result. Raises OSError, and `RuntimeApiError`, with status 413 for too large."""
        headers = {**invocation.answer_headers(), "content-type": "application/json"}
        path = protocol.response_path(invocation.request_id)
        await self._post("a response", path, headers, body)

    async def stream(self, invocation: Invocation, content_type: str) -> RequestBody:
        """Begin a response that is sent piece by piece; its connection closes at the end.

        https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
        Raises OSError.
        """
        headers = {
            **invocation.answer_headers(),
            **protocol.STREAM_HEADERS,
            "content-type": content_type,
        }
        path = protocol.response_path(invocation.request_id)
        connection = await self._connected()
        if not isinstance(connection, Connection):  # a stream waits for its reader
            connection = self._streaming = await Connection.open(self._host, self._port)
        return connection.open_request("POST", path, {**self._headers, **headers})

    def finish(self) -> None:
        """Be ready for the next invocation: what is left of a stream is cut."""
        self.on_hang_up(None)
        if self._streaming is not None:
            self._streaming.close()
            self._streaming = None

    async def fail(self, invocation: Invocation, failure: Failure) -> None:
        """Post a function error. Raises OSError and `RuntimeApiError`."""
        headers = {**invocation.answer_headers(), **failure.headers()}
        path = protocol.error_path(invocation.request_id)
        await self._post("an error", path, headers, failure.body())

    async def fail_init(self, failure: Failure) -> None:
        """Say that this environment cannot serve; the process must end then.

        Raises OSError and `RuntimeApiError`.
        """
        await self._post("an init error", protocol.INIT_ERROR, failure.headers(), failure.body())

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def check(self, what: str, response: Response, *, repeated: bool = False) -> None:
        """Raise `RuntimeApiError` for a refusal; after a 500 `next` raises it too."""
        if response.status == ACCEPTED:
            return
        error = RuntimeApiError(what, response, repeated=repeated)
        if response.status == FATAL:
            self._broken = error
        raise error

    async def _post(self, what: str, path: str, headers: dict[str, str], body: bytes) -> None:
        """Send once more where the connection was lost: an answer that came twice is refused."""
        repeated = False
        try:
            response = await self._send(path, headers, body)
        except OSError:
            repeated = True
            response = await self._send(path, headers, body)
        self.check(what, response, repeated=repeated)

    async def _send(self, path: str, headers: dict[str, str], body: bytes) -> Response:
        connection = await self._connected()
        return await connection.request("POST", path, {**self._headers, **headers}, body)

    async def _connected(self) -> BlockingConnection | Connection:
        connection = self._connection
        if connection is None or not connection.usable or connection.closed_by_peer:
            self.close()
            try:
                connection = await self._kind.open(self._host, self._port)
            except ConnectionRefusedError as error:  # anything else may pass
                raise RuntimeApiLost(
                    f"the Runtime API at {self._address} is gone: {error}",
                ) from error
            self._connection = connection
        return connection

    def _to_next(self, headers: dict[str, str]) -> bytes:
        """Write a request for the next invocation: most are the same."""
        return request_bytes("GET", protocol.NEXT, {**self._headers, **protocol.HANG_UP, **headers})

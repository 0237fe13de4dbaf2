"""The client of the Runtime API: one connection, kept alive."""

from adapter.errors import AdapterError
from adapter.http1 import Connection, Response
from adapter.runtime import protocol
from adapter.runtime.protocol import Failure, Invocation

ACCEPTED = 202
OK = 200
STALE = 410
TOO_LARGE = 413


class RuntimeApiError(AdapterError):
    """The Runtime API refused a request; `status` is its HTTP status."""

    def __init__(self, what: str, response: Response) -> None:
        detail = response.body[:500].decode("utf-8", "replace")
        super().__init__(f"the Runtime API answered {what} with {response.status}: {detail}")
        self.status = response.status


class RuntimeApiLost(AdapterError):
    """The Runtime API is gone: the environment is being ended."""


class RuntimeApi:
    """Asks for invocations and posts their answers."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._host = host
        self._port = int(port)
        self._address = address
        self._connection: Connection | None = None

    async def next(self) -> Invocation:
        """Wait for the next invocation, for as long as it takes: the environment may be frozen.

        Raises `RuntimeApiLost` where there is none any more, `RuntimeApiError` where it refuses.
        """
        response = await self._request("GET", protocol.NEXT)
        if response.status != OK:
            raise RuntimeApiError("next", response)
        return Invocation.parse(response.headers, response.body)

    async def respond(self, invocation: Invocation, body: bytes) -> None:
        """Post a result. Raises `RuntimeApiError`, with status 413 for one that is too large."""
        headers = {**invocation.answer_headers(), "content-type": "application/json"}
        path = protocol.response_path(invocation.request_id)
        self._check("a response", await self._request("POST", path, headers, body))

    async def fail(self, invocation: Invocation, failure: Failure) -> None:
        """Post a function error. Raises `RuntimeApiError`."""
        headers = {**invocation.answer_headers(), **failure.headers()}
        path = protocol.error_path(invocation.request_id)
        self._check("an error", await self._request("POST", path, headers, failure.body()))

    async def fail_init(self, failure: Failure) -> None:
        """Say that this environment cannot serve; the process must end then."""
        await self._request("POST", protocol.INIT_ERROR, failure.headers(), failure.body())

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def _check(self, what: str, response: Response) -> None:
        if response.status != ACCEPTED:
            raise RuntimeApiError(what, response)

    async def _request(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> Response:
        try:
            connection = self._connection
            if connection is None or not connection.usable or connection.closed_by_peer:
                self.close()
                connection = self._connection = await Connection.open(self._host, self._port)
            return await connection.request(method, path, self._headers(headers or {}), body)
        except OSError as error:
            raise RuntimeApiLost(f"the Runtime API at {self._address} is gone: {error}") from error

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {"host": self._address, "user-agent": "serve-adapter", **headers}

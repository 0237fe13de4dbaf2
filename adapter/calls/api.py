"""Signed requests to Lambda's API."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from adapter.calls.endpoint import Endpoint, credentials, endpoint
from adapter.calls.pool import NotConnected, Pool
from adapter.calls.sigv4 import Request, sign
from adapter.errors import InvocationError, Throttled
from adapter.http1 import Response
from adapter.messages import ResponseBody

OK, ACCEPTED, TOO_MANY = 200, 202, 429
# Besides 429, what says that the function has not run; the others, such as 500, leave it open.
# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
_NEVER_RAN = frozenset({"ResourceNotReadyException", "SnapStartNotReadyException"})
LONGEST_S = 910.0  # a function runs for at most 900 s


class ApiRequest(NamedTuple):
    """A request; `what` names it in errors: the function, or the operation.

    `headers` have names in lower case. `status` is that of a response which does not refuse it.
    """

    what: str
    method: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = MappingProxyType({})
    status: int = OK

    @property
    def target(self) -> str:
        """What stands on the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path


class LambdaApi:
    """Lambda's API as the environment names it, over the kept-alive connections of each loop."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._pools: dict[asyncio.AbstractEventLoop, Pool] = {}

    async def request(self, request: ApiRequest) -> Response:
        """Return the response, of the request's status. Raises `InvocationError`, `ServeError`."""
        where, headers = self._signed(request)
        with _reaching(where, request.what):
            async with asyncio.timeout(LONGEST_S):
                response = await self._pool(where).request(
                    request.method,
                    request.target,
                    headers,
                    request.body,
                )
        if response.status != request.status:
            raise refusal(request.what, response)
        return response

    @contextlib.asynccontextmanager
    async def open(self, request: ApiRequest) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """Enter with the body of the response, of status 200, piece by piece.

        Left before its end, it closes the connection. Raises as `request` does, and the pieces too.
        """
        where, headers = self._signed(request)
        opening = self._pool(where).open(request.method, request.target, headers, request.body)
        async with contextlib.AsyncExitStack() as opened:
            with _reaching(where, request.what):
                async with asyncio.timeout(LONGEST_S):
                    response = await opened.enter_async_context(opening)
            pieces = _pieces(response, where, request.what)
            await opened.enter_async_context(contextlib.aclosing(pieces))
            if response.status != OK:
                body = b"".join([piece async for piece in pieces])
                raise refusal(request.what, Response(response.status, response.headers, body))
            yield pieces

    def let_go(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close the idle connections of a loop."""
        if (pool := self._pools.pop(loop, None)) is not None:
            pool.close()

    def _signed(self, request: ApiRequest) -> tuple[Endpoint, dict[str, str]]:
        where = endpoint(self._environ)
        unsigned = Request(
            method=request.method,
            host=where.authority,
            path=request.path,
            query=request.query,
            body=request.body,
        )
        now = datetime.now(UTC)
        known = credentials(self._environ)
        return where, sign(unsigned, known, where.region, now, request.headers)

    def _pool(self, where: Endpoint) -> Pool:
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None or pool.endpoint != where:
            self.let_go(loop)
            pool = self._pools[loop] = Pool(where)
        return pool


async def _pieces(
    response: ResponseBody,
    where: Endpoint,
    what: str,
) -> AsyncGenerator[bytes, None]:
    pieces = response.pieces()
    while True:
        with _reaching(where, what):
            async with asyncio.timeout(LONGEST_S):
                piece = await anext(pieces, None)
        if piece is None:
            return
        yield piece


@contextlib.contextmanager
def _reaching(where: Endpoint, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # TimeoutError is one
        detail = f"{error} ({where.authority})"
        failed = InvocationError(what, "ConnectionFailed", detail)
        failed.never_ran = isinstance(error, NotConnected)
        raise failed from error


def refusal(what: str, response: Response) -> InvocationError:
    """Make the error of a response that refuses the request."""
    reason = response.headers.get("x-amzn-errortype", "").split(":")[0] or f"HTTP {response.status}"
    try:
        body = json.loads(response.body)
        message = str(body.get("Message") or body.get("message") or "")
        # What follows may quote what was signed, the token of our session with it.
        detail = message.partition("\n")[0]
    except (ValueError, AttributeError, RecursionError):
        detail = response.body[:200].decode("utf-8", "replace")
    kind = Throttled if response.status == TOO_MANY else InvocationError
    error = kind(what, reason, detail, response.status)
    error.never_ran = response.status == TOO_MANY or reason in _NEVER_RAN
    if isinstance(error, Throttled):
        error.retry_after_s = _seconds(response.headers.get("retry-after", ""))
    return error


def _seconds(text: str) -> float | None:
    """Read a Retry-After header in seconds; Lambda never sends a date."""
    return float(text) if re.fullmatch("[0-9]{1,6}", text) else None

"""What is too large for an invocation: it lies in S3, and the invocation says where.

    {"$payload": {"bucket": "...", "key": "calls/<32 hexadecimal digits>", "sha256": "..."}}

Both sides have one bucket, that of their stack, in `ADAPTER_PAYLOAD_BUCKET`. What comes over the
wire can name nothing else: neither another bucket, nor an object that is no payload. An object is
written once, read by who is told its key, and deleted by the bucket a day later.

Lambda's limits: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import asyncio
import functools
import hashlib
import json
import os
import re
import ssl
from collections.abc import Mapping
from typing import Any, Final

from adapter import json_bytes
from adapter.calls.api import LONGEST_S
from adapter.calls.endpoint import bucket_endpoint, credentials
from adapter.calls.shape import PAYLOAD, is_call
from adapter.calls.sigv4 import Request
from adapter.errors import InvalidCall, InvocationError, RemoteError
from adapter.http1 import Response
from adapter.serve.transport import Call

MAX_REQUEST: Final = 6 * 1024 * 1024  # bytes of an event, and of a result
MAX_EVENT: Final = 1024 * 1024  # bytes of an event of InvocationType Event
ATTEMPTS = 3  # to read or write the same object twice does no harm
PAUSE_S = 0.2
_BUCKET = "ADAPTER_PAYLOAD_BUCKET"
_KEY = re.compile(r"calls/[0-9a-f]{32}")
_BEGINNING = b'{"%s":' % PAYLOAD.encode()


class Payloads:
    """The payload bucket of an environment; without one nothing is large enough to travel."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ

    @property
    def bucket(self) -> str:
        """The name of the bucket, empty where there is none."""
        return self._environ.get(_BUCKET, "")

    async def put(self, data: bytes) -> dict[str, Any]:
        """Write an object and return the reference to it. Raises `InvocationError`."""
        key = f"calls/{os.urandom(16).hex()}"
        await self._request("PUT", key, data)
        digest = hashlib.sha256(data).hexdigest()
        return {PAYLOAD: {"bucket": self.bucket, "key": key, "sha256": digest}}

    async def get(self, reference: Any) -> bytes:
        """Read the object that `reference`, the content of `$payload`, names.

        Raises `InvalidCall` where that is no object of our bucket or not the one that was written,
        and `InvocationError` where it cannot be read.
        """
        match reference:
            case {"bucket": self.bucket, "key": str(key), "sha256": str(digest)} if self.bucket:
                pass
            case _:
                raise InvalidCall(f"{reference!r:.300} is no payload of {self.bucket or 'ours'!r}.")
        if not _KEY.fullmatch(key):
            raise InvalidCall(f"{key!r:.100} is no key of a payload.")
        data = (await self._request("GET", key)).body
        if hashlib.sha256(data).hexdigest() != digest:
            raise InvalidCall(f"the payload {key} is not the one that was sent.")
        return data

    async def event(self, call_event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the call event that `$payload` in an event stands for. Raises as `get` does."""
        found = _parsed(await self.get(call_event[PAYLOAD]))
        if not is_call(found) or PAYLOAD in found:
            raise InvalidCall("the payload is no call.")
        whole: dict[str, Any] = found
        return whole

    async def result(self, body: bytes) -> bytes:
        """Return the result that a body stands for, which may be itself. Raises as `get` does."""
        if not self.bucket or not body.startswith(_BEGINNING):
            return body
        found = _parsed(body)
        # The codec escapes an object with such a key alone; one with others is a result.
        return await self.get(found[PAYLOAD]) if len(found) == 1 else body

    async def fitting(self, packed: Any) -> Any:
        """Return a result as it is, or the reference to it where it is too large."""
        if not self.bucket or len(data := json_bytes.dump(packed)) <= MAX_REQUEST:
            return packed
        return await self.put(data)

    async def _request(self, method: str, key: str, body: bytes = b"") -> Response:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._once(method, key, body)
            except InvocationError as error:
                again = error.status is None or error.status >= 500
                if not again or attempt == ATTEMPTS:
                    raise
            await asyncio.sleep(PAUSE_S * attempt)
        raise AssertionError  # pragma: no cover - for the type checker

    async def _once(self, method: str, key: str, body: bytes) -> Response:
        from adapter.calls import signed_request  # noqa: PLC0415 - large payloads only

        where, prefix = bucket_endpoint(self.bucket, self._environ)
        request = Request(method=method, host=where.authority, path=prefix + key, body=body)
        known = credentials(self._environ)
        tls = _tls() if where.tls else None
        what = f"{method} s3://{self.bucket}/{key}"
        try:
            async with asyncio.timeout(LONGEST_S):
                response = await signed_request.send(request, where, "s3", known, tls)
        except OSError as error:
            detail = f"{error} ({where.authority})"
            raise InvocationError(what, "ConnectionFailed", detail) from error
        if response.status != 200:
            raise _refusal(what, response)
        return response


def _refusal(what: str, response: Response) -> InvocationError:
    """Make the error of a response; of S3's only the text, since some quote the session's token."""
    body = response.body.decode("utf-8", "replace")
    code = re.search("<Code>([A-Za-z.]{1,100})</Code>", body)
    if code is None:
        return InvocationError(what, f"HTTP {response.status}", body[:300], response.status)
    message = re.search("<Message>([^<]{1,300})", body)
    return InvocationError(what, code[1], message[1] if message else "", response.status)


@functools.cache
def _tls() -> "ssl.SSLContext":  # a name would load it
    return ssl.create_default_context()


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidCall(f"a payload is no JSON: {error}") from error


def limit(call: Call) -> int:
    """Return how many bytes the event of a call may have."""
    return MAX_EVENT if call.is_event else MAX_REQUEST


def refused(function: str, call: Call, size: int) -> InvocationError:
    """Make the error of an event that is too large, where there is no payload bucket."""
    kind = "1 MB, with invocation_type='Event'" if call.is_event else "6 MB"
    return InvocationError(
        function,
        "RequestTooLargeException",
        f"the call has {size:,} bytes; Lambda takes {limit(call):,} ({kind}). Larger ones travel "
        "through S3 with LambdaOptions(large_payloads=True) on a deployment of the application.",
        413,
    )


def advised(error: RemoteError) -> RemoteError:
    """Return the error of a call; of one whose result was too large it says what to do."""
    if error.error_type == "Function.ResponseSizeTooLarge":
        error.message += (
            " Larger results travel through S3 with LambdaOptions(large_payloads=True) on a "
            "deployment of the application, or piece by piece with stream=True."
        )
    return error

"""How one of AWS's HTTP front doors talks to a function."""

from dataclasses import dataclass
from typing import Any, Protocol

from adapter.local.http_event import Arrival, HttpRequest
from adapter.local.http_result import HttpResponse
from adapter.local.invocation import Invocable
from adapter.local.prelude import Prelude
from adapter.serve.cors import Cors


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """What a client gets where the function has no response for it.

    `too_large`: the request does not fit into an event. `throttled`: the function's concurrency is
    used up. `late`: the front door does not wait any longer. `failed`: the function failed, or
    answered with something that is no HTTP response.
    """

    too_large: HttpResponse
    throttled: HttpResponse
    late: HttpResponse
    failed: HttpResponse


class Integration(Protocol):
    """One function behind one front door: an HTTP API's route, or the function's own URL."""

    @property
    def name(self) -> str:
        """The function's name."""
        ...

    @property
    def function(self) -> Invocable:
        """The function."""
        ...

    @property
    def streams(self) -> bool:
        """Whether an answer is sent on as it comes. Where not, a stream is collected."""
        ...

    @property
    def wait_s(self) -> float | None:
        """How long an answer, or its beginning, is waited for, in seconds; None: as it takes."""
        ...

    @property
    def cors(self) -> Cors | None:
        """What it tells browsers of other origins; None leaves that to the function."""
        ...

    @property
    def note(self) -> str:
        """What the log says to a streamed answer; empty for nothing."""
        ...

    @property
    def refusals(self) -> Refusals:
        """What is said where the function has no response."""
        ...

    def event(self, request: HttpRequest, arrival: Arrival) -> dict[str, Any]:
        """Make the event of a request."""
        ...

    def response(self, payload: bytes, method: str) -> HttpResponse:
        """Make the response of a whole answer. Raises `MalformedResultError` where it is none."""
        ...

    def begin(self, content_type: str) -> Prelude | None:
        """Return the head of a streamed answer, None where the stream begins with a prelude.

        Raises `MalformedResultError` where a stream of that type is no HTTP response.
        """
        ...

"""`BackpressureConfig`: how a request is refused when too many wait."""

from dataclasses import dataclass
from typing import Literal

from adapter.serve.checks import require_choice, require_seconds
from adapter.serve.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class BackpressureConfig(Record):
    """The HTTP response to a request above `max_queued_requests`, in Ray Serve's words.

    `status_code` is 503 or 429. `retry_after_s` (seconds) becomes a Retry-After header, in whole
    seconds; None is no header. Raises `InvalidOption` for another value.
    """

    status_code: Literal[503, 429] = 503
    retry_after_s: float | None = None

    def __post_init__(self) -> None:
        require_choice("backpressure_config.status_code", self.status_code, (503, 429))
        if self.retry_after_s is not None:
            require_seconds("backpressure_config.retry_after_s", self.retry_after_s, zero=True)

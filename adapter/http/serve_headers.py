"""The headers that Ray Serve's proxy reads and writes, as the function that is reached does it."""

from adapter.http.response import Headers
from adapter.serve.context import plain_request_id

_REQUEST_ID = b"x-request-id"
_MODEL_ID = b"serve-multiplexed-model-id"  # its hyphens may be underscores
_TIMEOUT = b"x-request-timeout-seconds"


def model_id(headers: Headers) -> str:
    """Return the model that a request is for, empty where it does not say."""
    for name, value in reversed(headers):
        if len(name) == len(_MODEL_ID) and name.lower().replace(b"_", b"-") == _MODEL_ID:
            return value.decode("utf-8", "replace")
    return ""


def request_id(headers: Headers) -> str:
    """Return the id of a request or response, empty where it has none."""
    return next((value.decode("latin-1") for name, value in headers if name == _REQUEST_ID), "")


def without_doubtful_id(headers: Headers) -> Headers:
    """Return headers without an id that is too long, or no plain token, and without several."""
    found = [value.decode("latin-1") for name, value in headers if name == _REQUEST_ID]
    if len(found) == 1 and plain_request_id(found[0]):
        return headers
    return [pair for pair in headers if pair[0] != _REQUEST_ID] if found else headers


def identified(headers: Headers, identifier: str) -> Headers:
    """Return headers with an id, unless they have one already."""
    if not identifier or any(name == _REQUEST_ID for name, _ in headers):
        return headers
    return [*headers, (_REQUEST_ID, identifier.encode("ascii"))]


def timeout_s(headers: Headers, default: float | None) -> float | None:
    """Return how long a request may take, in seconds; None is no limit.

    A number of zero or less means none, what is no number `default`.
    """
    for name, value in reversed(headers):
        if name == _TIMEOUT:
            try:
                seconds = float(value)
            except ValueError:
                return default
            return seconds if 0 < seconds < float("inf") else None
    return default

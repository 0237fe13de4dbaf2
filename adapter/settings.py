"""What a function is told about its place; on Lambda by environment variables."""

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from adapter.serve.names import DEFAULT_APPLICATION


class HttpSettings(NamedTuple):
    """How a function serves HTTP; `adapter.lambda_handler` says what each setting is for.

    `streams` names the fronts that take a response piece by piece: `url`, `rest`, `http-api`.
    `request_timeout_s` bounds a request.
    """

    lifespan: Literal["auto", "on", "off"] = "auto"
    base_path: str = "/"
    custom_handlers: Sequence[Any] = ()
    text_mime_types: Sequence[str] = ()
    exclude_headers: Collection[str] = ()
    trusted_hops: int = 0
    max_body_bytes: int | None = None
    raise_errors: bool = False
    streams: frozenset[str] = frozenset()
    request_timeout_s: float | None = None


class Settings(NamedTuple):
    """A function's place: its application, its process, and how it serves HTTP."""

    application: str = DEFAULT_APPLICATION
    max_concurrency: int = 1
    whole_process: bool = True
    http: HttpSettings = HttpSettings()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables that the plan sets: `ADAPTER_...`."""
        return cls(
            application=environ.get("ADAPTER_APPLICATION", DEFAULT_APPLICATION),
            max_concurrency=int(environ.get("AWS_LAMBDA_MAX_CONCURRENCY") or 1),
            http=_http(environ),
        )


def _http(environ: Mapping[str, str]) -> HttpSettings:
    request_timeout_s = environ.get("ADAPTER_REQUEST_TIMEOUT_S")
    max_body_bytes = environ.get("ADAPTER_MAX_BODY_BYTES")
    return HttpSettings(
        base_path=environ.get("ADAPTER_ROUTE_PREFIX", "/"),
        trusted_hops=int(environ.get("ADAPTER_TRUSTED_HOPS") or 0),
        max_body_bytes=int(max_body_bytes) if max_body_bytes else None,
        raise_errors=environ.get("ADAPTER_RAISE_ERRORS") == "1",
        streams=frozenset(filter(None, environ.get("ADAPTER_STREAMS", "").split(","))),
        request_timeout_s=float(request_timeout_s) if request_timeout_s else None,
    )

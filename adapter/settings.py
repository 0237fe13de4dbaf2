"""What a function is told about its place; on Lambda by environment variables."""

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from adapter.serve.names import DEFAULT_APPLICATION


class HttpSettings(NamedTuple):
    """How a function serves HTTP; `adapter.lambda_handler` says what each setting is for.

    `streams` names the fronts that take a response piece by piece: `url`, `rest`, `http-api`.
    `request_timeout_s` bounds a request. With `serve_headers`, those of Ray Serve are read and
    written: `x-request-id`, `x-request-timeout-seconds`. `middlewares` are those of `serve.start`,
    of which the program has `middleware_count`.
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
    serve_headers: bool = False
    middlewares: Sequence[Any] = ()
    middleware_count: int = 0


class Settings(NamedTuple):
    """A function's place: its application, its process, and how it serves HTTP.

    `replica` tells the environment from others of the function: the end of its log stream's name,
    `2026/11/21/[$LATEST]4459c970fa6d4c77aca62c95850fce54`. SnapStart has no such variable.
    """

    application: str = DEFAULT_APPLICATION
    max_concurrency: int = 1
    whole_process: bool = True
    replica: str = ""
    http: HttpSettings = HttpSettings()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables that the plan sets: `ADAPTER_...`."""
        return cls(
            application=environ.get("ADAPTER_APPLICATION", DEFAULT_APPLICATION),
            max_concurrency=int(environ.get("AWS_LAMBDA_MAX_CONCURRENCY") or 1),
            replica=environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "").rpartition("]")[2],
            http=_http(environ),
        )


def _http(environ: Mapping[str, str]) -> HttpSettings:
    request_timeout_s = environ.get("ADAPTER_REQUEST_TIMEOUT_S")
    max_body_bytes = environ.get("ADAPTER_MAX_BODY_BYTES")
    started = _started()
    return HttpSettings(
        base_path=environ.get("ADAPTER_ROUTE_PREFIX", "/"),
        trusted_hops=int(environ.get("ADAPTER_TRUSTED_HOPS") or 0),
        max_body_bytes=int(max_body_bytes) if max_body_bytes else None,
        raise_errors=environ.get("ADAPTER_RAISE_ERRORS") == "1",
        streams=frozenset(filter(None, environ.get("ADAPTER_STREAMS", "").split(","))),
        request_timeout_s=(
            float(request_timeout_s) if request_timeout_s else started.request_timeout_s
        ),
        middlewares=started.middlewares,
        middleware_count=int(environ.get("ADAPTER_MIDDLEWARES") or 0),
    )


def _started() -> Any:
    """Return what the user's module has told `serve.start`, where it has called it."""
    start_options: Any = sys.modules.get("adapter.serve.start_options")
    return (start_options and start_options.told()) or HttpSettings()

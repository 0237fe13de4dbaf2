"""What a function is told about its place; on Lambda by environment variables."""

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from adapter.serve.names import DEFAULT_APPLICATION

# Every variable of ours that anything reads: in a function, by who sets it, and on a machine.
VARIABLES: Final = frozenset(
    {
        # the plan
        "ADAPTER_APPLICATION",
        "ADAPTER_BACKGROUND",
        "ADAPTER_CORS",
        "ADAPTER_DEADLINE_MARGIN_MS",
        "ADAPTER_EVENTS",
        "ADAPTER_INGRESS",
        "ADAPTER_LOG_ATTRIBUTES",
        "ADAPTER_LOG_LEVEL",
        "ADAPTER_MAX_BODY_BYTES",
        "ADAPTER_METRICS_NAMESPACE",
        "ADAPTER_MIDDLEWARES",
        "ADAPTER_QUEUES",
        "ADAPTER_RAISE_ERRORS",
        "ADAPTER_REQUEST_TIMEOUT_S",
        "ADAPTER_ROUTE_PREFIX",
        "ADAPTER_SECRETS",
        "ADAPTER_SHARED",
        "ADAPTER_SOCKETS",
        "ADAPTER_STREAMS",
        "ADAPTER_TRUSTED_HOPS",
        # the template
        "ADAPTER_ALIASES",
        "ADAPTER_FUNCTION_PREFIX",
        "ADAPTER_PAYLOAD_BUCKET",
        # `adapter run`
        "ADAPTER_DESCRIBE_METRICS",
        "ADAPTER_PAYLOAD_ENDPOINT",
        # tests of users
        "ADAPTER_LOCAL_TESTING_MODE",
        # settings of a build, which may be in the shell of `adapter run` as well
        "ADAPTER_ARCHITECTURE",
        "ADAPTER_EXCLUDE",
        "ADAPTER_IGNORE",
        "ADAPTER_INCLUDE",
        "ADAPTER_OUTPUT_DIR",
        "ADAPTER_PUBLIC",
        "ADAPTER_RUNTIME",
        "ADAPTER_STACK_NAME",
        "ADAPTER_STAGE",
        "ADAPTER_TEMPLATE",
    },
)
_said: set[str] = set()


class HttpSettings(NamedTuple):
    """How a function serves HTTP; `adapter.lambda_handler` says what each setting is for.

    `streams` names the fronts that take a response piece by piece: `url`, `rest`, `http-api`.
    `request_timeout_s` bounds a request. With `serve_headers`, those of Ray Serve are read and
    written: `x-request-id`, `x-request-timeout-seconds`. `middlewares` are those of `serve.start`,
    of which the program has `middleware_count`. With `gateway_cors` the gateway
    writes the headers of CORS.

    `socket_paths` are the paths of WebSocket routes, by the stage that stands for each.
    `connections` reaches WebSocket clients; None is API Gateway's management API.
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
    socket_paths: Mapping[str, str] = MappingProxyType({})
    connections: Any = None
    gateway_cors: bool = False


class Settings(NamedTuple):
    """A function's place: its application, its process, and how it serves HTTP.

    `replica` tells the environment from others of the function: the end of its log stream's name,
    `2026/11/21/[$LATEST]4459c970fa6d4c77aca62c95850fce54`. SnapStart has no such variable.
    `events` are its subscriptions, as `adapter.calls.subscriptions` reads them.
    """

    application: str = DEFAULT_APPLICATION
    max_concurrency: int = 1
    whole_process: bool = True
    replica: str = ""
    events: str = ""
    http: HttpSettings = HttpSettings()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables that the plan sets, and say which `ADAPTER_...` nothing reads."""
        warn_of_unknown(environ)
        return cls(
            application=environ.get("ADAPTER_APPLICATION", DEFAULT_APPLICATION),
            max_concurrency=int(environ.get("AWS_LAMBDA_MAX_CONCURRENCY") or 1),
            replica=environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "").rpartition("]")[2],
            events=environ.get("ADAPTER_EVENTS", ""),
            http=_http(environ),
        )


def warn_of_unknown(environ: Mapping[str, str]) -> None:
    """Log one line, once in a process, for each variable `ADAPTER_...` that nothing reads."""
    for name in environ:
        if name.startswith("ADAPTER_") and name not in VARIABLES and name not in _said:
            _said.add(name)
            import difflib  # noqa: PLC0415 - for a mistake only
            import logging  # noqa: PLC0415 - see above

            known = {variable.removeprefix("ADAPTER_"): variable for variable in sorted(VARIABLES)}
            close = difflib.get_close_matches(name.removeprefix("ADAPTER_"), known, n=1)
            hint = f" Did you mean {known[close[0]]}?" if close else ""
            text = "the environment variable %s is not read by anything.%s"
            logging.getLogger("adapter").warning(text, name, hint)


def _http(environ: Mapping[str, str]) -> HttpSettings:
    request_timeout_s = environ.get("ADAPTER_REQUEST_TIMEOUT_S")
    max_body_bytes = environ.get("ADAPTER_MAX_BODY_BYTES")
    started = _started()
    return HttpSettings(
        socket_paths=_socket_paths(environ.get("ADAPTER_SOCKETS", "")),
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
        gateway_cors=environ.get("ADAPTER_CORS") == "1",
    )


def _socket_paths(text: str) -> dict[str, str]:
    """Read `stage=/path,stage=/path`; paths are percent-encoded."""
    if not text:
        return {}
    from urllib.parse import unquote  # noqa: PLC0415 - WebSockets only

    pairs = (pair.partition("=") for pair in text.split(",") if pair)
    return {stage: unquote(path) for stage, _, path in pairs}


def _started() -> Any:
    """Return what the user's module has told `serve.start`, where it has called it."""
    start_options: Any = sys.modules.get("adapter.serve.start_options")
    return (start_options and start_options.told()) or HttpSettings()

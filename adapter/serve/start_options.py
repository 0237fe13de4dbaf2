"""What `serve.start` and `serve.run` are told: what is used, and what has no effect here."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from adapter.errors import InvalidOption, UnknownOption, did_you_mean
from adapter.serve.checks import require_bool, require_number, require_text
from adapter.serve.cluster import ControllerOptions, gRPCOptions
from adapter.serve.http_options import HTTPOptions, ProxyLocation
from adapter.serve.records import Record

logger = logging.getLogger("adapter.serve")


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingConfig(Record):
    """Which traces Ray Serve exports. Nothing here exports any; Lambda has X-Ray for it."""

    enabled: bool = False
    exporter_import_path: str = ""
    sampling_ratio: float = 0.01

    def __post_init__(self) -> None:
        require_bool("tracing_config.enabled", self.enabled)
        require_text("tracing_config.exporter_import_path", self.exporter_import_path)
        require_number("tracing_config.sampling_ratio", self.sampling_ratio, zero=True)
        if self.sampling_ratio > 1:
            raise InvalidOption(
                f"tracing_config.sampling_ratio={self.sampling_ratio!r} must be at most 1.",
            )


# What a user may write, and why it changes nothing.
_NO_EFFECT = {
    "_checkpoint_path": "there is no controller whose state would be kept",
    "_override_controller_namespace": "there is no controller",
    "controller_options": "there is no controller",
    "dedicated_cpu": "there is no controller that a CPU could be set apart for",
    "detached": "what is served here ends with the process",
    "external_scaler_enabled": "Lambda scales by itself, within the deployment's own limits",
    "grpc_options": "gRPC is not served: Lambda's front doors speak HTTP",
    "http_options.root_url": "addresses are made of what clients ask for",
    "logging_config": "it is about Ray's controller and proxies; give it to serve.run",
    "tracing_config": "nothing here exports traces; Lambda has X-Ray for it",
}
_OLDER_START = ("_checkpoint_path", "_override_controller_namespace", "dedicated_cpu", "detached")
_OLDEST_START = {"http_host": "host", "http_port": "port", "http_middlewares": "middlewares"}

_said: set[str] = set()
_told: HTTPOptions | None = None


def http_options(
    written: HTTPOptions | Mapping[str, Any] | None,
    proxy_location: ProxyLocation | str | None,
) -> HTTPOptions:
    """Read what the HTTP server is told; `location` in the options goes before `proxy_location`.

    Raises `InvalidOption` for a value outside its range.
    """
    options = HTTPOptions.of("http_options", {} if written is None else written)
    for middleware in options.middlewares:
        if not all(hasattr(middleware, name) for name in ("cls", "args", "kwargs")):
            raise InvalidOption(
                f"http_options.middlewares: {middleware!r} must be a "
                "starlette.middleware.Middleware(...).",
            )
    if options.root_url:
        say_no_effect("serve.start", "http_options.root_url")
    if options.location is None and proxy_location is not None:
        options = replace(options, location=proxy_location)
    return options


def check_older(options: Mapping[str, Any]) -> None:
    """Name the parameters of older releases that have no effect.

    Raises `UnknownOption` for those that never were any, `InvalidOption` for what has moved.
    """
    for name, value in options.items():
        if name in _OLDEST_START:
            moved = f'{{"{_OLDEST_START[name]}": {value!r}}}'
            raise InvalidOption(
                f"{name} is deprecated, please use serve.start(http_options={moved}) instead.",
            )
        if name not in _OLDER_START:
            hint = did_you_mean(name, (*_OLDER_START, *_STARTS))
            raise UnknownOption(f"serve.start has no option {name!r}.{hint}")
        say_no_effect("serve.start", name)


_STARTS = ("proxy_location", "http_options", "grpc_options", "logging_config", "tracing_config")


def check_unused(where: str, **options: Any) -> None:
    """Check Ray's settings that change nothing here, and name those that are written.

    Raises `InvalidOption` for a malformed one.
    """
    for name, value in options.items():
        if value is None or value is False:
            continue
        kind = _KINDS.get(name)
        read = value if kind is None else kind.of(name, value)
        if not (isinstance(read, gRPCOptions) and not read.grpc_servicer_functions):
            say_no_effect(where, name)


_KINDS: dict[str, type[Record]] = {
    "controller_options": ControllerOptions,
    "grpc_options": gRPCOptions,
    "tracing_config": TracingConfig,
}


def say_no_effect(where: str, name: str) -> None:
    """Say, once in a process, that a setting has no effect, and why.

    A function on Lambda says nothing: whoever built it has read it.
    """
    if name in _said or "AWS_LAMBDA_RUNTIME_API" in os.environ:
        return
    _said.add(name)
    logger.warning("%s: %s has no effect: %s.", where, name, _NO_EFFECT[name])


def keep(options: HTTPOptions | None) -> None:
    """Keep what `serve.start` was told, for functions; None forgets it."""
    global _told  # noqa: PLW0603 - a process serves one program
    _told = options


def told() -> HTTPOptions | None:
    """Return what was kept, None where `serve.start` was not called."""
    return _told

"""What a config file says that has no meaning on Lambda: named once, never refused."""

from collections.abc import Iterable, Iterator

from adapter.config.environment import KNOWN, is_remote
from adapter.config.file import ConfigFile
from adapter.config.marks import Place
from adapter.config.schema import ApplicationConfig, ServeConfig
from adapter.serve.options import DEFAULT

_CERTIFICATES = ("ssl_keyfile", "ssl_certfile", "ssl_keyfile_password", "ssl_ca_certs")
_LOCAL = ("host", "port", "root_path", "keep_alive_timeout_s")


def notes(file: ConfigFile, place: Place, application: ApplicationConfig) -> Iterator[str]:
    """Say, a sentence each, what has no effect; what is about the whole file at its first one."""
    if place == ("applications", 0):
        yield from _file_notes(file.shown, file.config)
    where = f"{file.shown}: application {application.name!r}"
    yield from _meaningless(where, _of_application(application))
    working_dir = application.runtime_env.get("working_dir") or ""
    if is_remote(working_dir):
        yield (
            f"{where}: the working_dir {working_dir} is not fetched; modules are imported from "
            "--app-dir."
        )


def _file_notes(shown: str, config: ServeConfig) -> Iterator[str]:
    yield from _meaningless(shown, _of_file(config))
    local = [name for name in _LOCAL if name in config.http_options]
    if local:
        yield f"{shown}: http_options {', '.join(local)}: for `adapter run` only."


def _of_file(config: ServeConfig) -> Iterator[str]:
    if (config.grpc_options or {}).get("grpc_servicer_functions"):
        yield "grpc_options"
    if config.controller_options is not None:
        yield "controller_options"
    if config.tracing_config is not None:
        yield "tracing_config"
    if config.target_capacity is not None:
        yield "target_capacity"
    for name in _CERTIFICATES:
        if config.http_options.get(name) is not None:
            yield f"http_options[{name!r}]"


def _of_application(application: ApplicationConfig) -> Iterator[str]:
    for name in ("host", "port"):
        if getattr(application, name) is not DEFAULT:
            yield name
    if application.autoscaling_policy is not None:
        yield "autoscaling_policy"
    if application.external_scaler_enabled:
        yield "external_scaler_enabled"
    for name in sorted(application.runtime_env.keys() - set(KNOWN)):
        yield f"runtime_env[{name!r}]"


def _meaningless(where: str, names: Iterable[str]) -> Iterator[str]:
    found = list(names)
    if found:
        verb = "has" if len(found) == 1 else "have"
        yield f"{where}: {', '.join(found)} {verb} no meaning on Lambda."

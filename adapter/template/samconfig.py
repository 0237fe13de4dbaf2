"""samconfig.toml: written once for SAM CLI, from then on the user's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from adapter.errors import BuildError
from adapter.template.marks import written_by
from adapter.template.settings import read_toml

_NAMES = ("samconfig.toml", "samconfig.yaml", "samconfig.yml")


def find_samconfig(folder: Path) -> Path | None:
    """Return the configuration that SAM CLI would read in `folder`, or None."""
    return next((folder / name for name in _NAMES if (folder / name).exists()), None)


def stack_names(path: Path) -> tuple[str, ...]:
    """Return the stack names of all environments in a configuration, sorted."""
    content = read_toml(path) if path.suffix == ".toml" else _read_yaml(path)
    return tuple(sorted(set(_stack_names(content))))


def deploy_parameters(path: Path) -> dict[str, Any]:
    """Return what a configuration gives to `sam deploy` in its default environment."""
    content = read_toml(path) if path.suffix == ".toml" else _read_yaml(path)
    default = content.get("default") if isinstance(content, dict) else None
    parameters: dict[str, Any] = {}
    for command in ("global", "deploy"):
        table = default.get(command) if isinstance(default, dict) else None
        found = table.get("parameters") if isinstance(table, dict) else None
        parameters |= found if isinstance(found, dict) else {}
    return parameters


def write_samconfig(target: str, stack_name: str) -> str:
    """Return a first configuration, in which `sam build && sam deploy` needs no flag.

    CAPABILITY_IAM admits the functions' roles, `resolve_image_repos` makes repositories for images.
    `cached` builds only what changed, by content.
    """
    return f"""\
# {written_by(target)} because there was none; yours from now on.
version = 0.1

[default.global.parameters]
stack_name = "{stack_name}"

[default.build.parameters]
cached = true
parallel = true

[default.validate.parameters]
lint = true

[default.deploy.parameters]
capabilities = "CAPABILITY_IAM"
confirm_changeset = true
resolve_image_repos = true
resolve_s3 = true

# Handles find `sam local start-lambda` at host.docker.internal. On Linux it has to listen where
# containers can reach it: `sam local start-lambda --host 172.17.0.1`.
[default.local_start_api.parameters]
add_host = "host.docker.internal:host-gateway"
warm_containers = "LAZY"

[default.local_start_lambda.parameters]
add_host = "host.docker.internal:host-gateway"
warm_containers = "LAZY"
"""


def _stack_names(content: Any) -> Iterator[str]:
    """Look into `<environment>.<command>.parameters.stack_name`."""
    for environment in _tables(content):
        for command in _tables(environment):
            name = command.get("parameters", {}).get("stack_name")
            if isinstance(name, str):
                yield name


def _tables(content: Any) -> Iterator[dict[str, Any]]:
    if isinstance(content, dict):
        yield from (value for value in content.values() if isinstance(value, dict))


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise BuildError(f"{path} is not valid YAML: {error}.") from error

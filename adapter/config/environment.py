"""Ray's `runtime_env` of an application and of its deployments, as one."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from adapter.errors import InvalidOption

# What an application's runtime_env is good for here; the rest is named once.
KNOWN = ("env_vars", "pip", "working_dir")


def merged(
    outer: Mapping[str, Any],
    inner: Mapping[str, Any],
    folder: Path,
) -> dict[str, Any]:
    """Return a deployment's runtime_env over its application's.

    As in Ray variables are joined and the deployment's word is the last; anything else of its
    takes the place of the application's. A requirements file is found from `folder`. Raises
    `InvalidOption` where there is none.
    """
    whole = {name: outer[name] for name in ("env_vars", "pip") if outer.get(name)} | dict(inner)
    variables = {**(outer.get("env_vars") or {}), **(inner.get("env_vars") or {})}
    if variables:
        whole["env_vars"] = variables
    if whole.get("pip"):
        whole["pip"] = _requirements(whole["pip"], folder)
    return whole


def _requirements(pip: Any, folder: Path) -> list[str]:
    if isinstance(pip, Mapping):
        pip = pip["packages"]
    if not isinstance(pip, str):
        return list(pip)
    path = folder / pip
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidOption(f"pip={pip!r}: the requirements file {path} cannot be read.") from error
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


@contextlib.contextmanager
def variables_set(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, as the functions will have them, while the program is imported."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def is_remote(working_dir: str) -> bool:
    """Whether Ray would fetch it: `s3://...`, `https://...`; `local://` is a folder."""
    return "://" in working_dir and not working_dir.startswith("local://")

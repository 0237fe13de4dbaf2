"""Which stack a command is about, and where it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapter.errors import StackError
from adapter.stack.access import Access
from adapter.template.names import default_stack_name
from adapter.template.samconfig import deploy_parameters, find_samconfig, stack_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A stack by `name`, reached through `access`.

    `folder` is that of the SAM project, `parameters` are what samconfig.toml there gives to
    `sam deploy`.
    """

    name: str
    access: Access
    folder: Path
    parameters: Mapping[str, Any]


def find_place(
    *,
    folder: Path,
    stack: str | None,
    region: str | None,
    profile: str | None,
    target: str | None = None,
) -> Place:
    """Choose as `sam deploy` does: flags, then samconfig.toml, then the AWS variables.

    Where neither gives the stack's name it is what `adapter build` would call that of `target`.
    Raises `StackError` where there is no name at all, or several.
    """
    config = find_samconfig(folder)
    parameters = deploy_parameters(config) if config else {}
    name = stack or parameters.get("stack_name") or _only_name(config, target)
    return Place(
        name=str(name),
        access=Access(
            region=region or parameters.get("region"),
            profile=profile or parameters.get("profile"),
        ),
        folder=folder,
        parameters=parameters,
    )


def _only_name(config: Path | None, target: str | None) -> str:
    names = stack_names(config) if config else ()
    if len(names) == 1:
        return names[0]
    if names:
        raise StackError(f"{config} names the stacks {', '.join(names)}; choose one with --stack.")
    if target is not None:
        return default_stack_name(target)
    raise StackError(
        "which stack? Give --stack, or TARGET, or run this where samconfig.toml is.",
    )

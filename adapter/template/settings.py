"""What the user chose for a build: flags over ADAPTER_* variables over `[tool.adapter]`."""

import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from adapter.errors import InvalidOption
from adapter.plan.fronts import made_public
from adapter.plan.values import StackPlan
from adapter.serve.lambda_options import ARCHITECTURES, RUNTIMES

STAGES = ("copy", "link")

_NAMES = (
    "architecture",
    "exclude",
    "ignore",
    "include",
    "output_dir",
    "public",
    "runtime",
    "stack_name",
    "stage",
    "template",
)
_LISTS = ("exclude", "ignore", "include")
_WORDS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_CHOICES = {"architecture": ARCHITECTURES, "runtime": RUNTIMES, "stage": STAGES}
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSettings:
    """How an application is built.

    `app_dir` is the folder that the application is imported from, `output` the folder of the SAM
    project. `runtime` and `architecture` are Lambda's. `stage` says how source reaches the layers:
    "copy" stages a copy, "link" a relative symbolic link, for a repository that commits what it
    builds. `include` are patterns of further files below `app_dir` that the functions need,
    `exclude` patterns of files to leave out. `ignore` are codes of `adapter check` that do not
    matter here. `stack_name` is the name to deploy under; None takes
    it from the target. `public` opens the APIs that the program does not speak of: without it they
    take signed requests only. `template` is the user's own part of template.yaml.
    """

    app_dir: Path
    output: Path
    runtime: str
    architecture: str = "x86_64"
    stage: Literal["copy", "link"] = "copy"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    stack_name: str | None = None
    public: bool = False
    template: Path | None = None

    def opened(self, stack: StackPlan) -> StackPlan:
        """Return the plan of a stack with the APIs open that this build calls public."""
        return made_public(stack) if self.public else stack


@dataclass(frozen=True, slots=True)
class _Setting:
    value: Any
    origin: str  # how the user knows the place: a flag, a variable, a file
    folder: Path = field(default_factory=Path)  # what a relative path is relative to


def read_settings(
    *,
    app_dir: Path,
    environ: Mapping[str, str],
    flags: Mapping[str, str | bool | None],
) -> BuildSettings:
    """Merge what was given on the command line, in the environment and in pyproject.toml.

    `flags` are named as the settings are; None is a flag that was not given. Raises
    `InvalidOption`, with the origin of the value, for an unknown setting or a wrong value.
    """
    given = {
        **_from_file(app_dir),
        **_from_environment(environ),
        **{
            name: _Setting(value, f"--{name.replace('_', '-')}")
            for name, value in flags.items()
            if value is not None
        },
    }
    output = given.pop("output_dir", _Setting(".", "the default"))
    runtime = f"python3.{sys.version_info.minor}"
    given.setdefault("runtime", _Setting(runtime, "the running interpreter; give --runtime"))
    checked = {name: _checked(name, setting) for name, setting in given.items()}
    folder = output.folder / _text("output_dir", output)
    return BuildSettings(app_dir=app_dir, output=folder, **checked)


def project_folders(app_dir: Path) -> tuple[Path, ...]:
    """Return the folders from `app_dir` up to the one that holds pyproject.toml or .git.

    Where there is neither, the project is `app_dir` alone.
    """
    folders = [app_dir.resolve()]
    while not any((folders[-1] / mark).exists() for mark in ("pyproject.toml", ".git")):
        if folders[-1] == folders[-1].parent:
            return tuple(folders[:1])
        folders.append(folders[-1].parent)
    return tuple(folders)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file. Raises `InvalidOption` where it is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidOption(f"{path} is not valid TOML: {error}.") from error


def _from_file(app_dir: Path) -> dict[str, _Setting]:
    path = project_folders(app_dir)[-1] / "pyproject.toml"
    if not path.is_file():
        return {}
    table = read_toml(path).get("tool", {}).get("adapter", {})
    for name in table:
        if name not in _NAMES:
            raise InvalidOption(_unknown(name, path))
    return {
        name: _Setting(value, f"[tool.adapter] in {path}", path.parent)
        for name, value in table.items()
    }


def _unknown(name: str, path: Path) -> str:
    close = get_close_matches(name, _NAMES, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Known are {', '.join(_NAMES)}."
    return f"[tool.adapter] in {path} has no setting {name!r}. {hint}"


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Setting]:
    variables = {name: f"ADAPTER_{name.upper()}" for name in _NAMES}
    return {
        name: _Setting(_split(name, environ[variable]), variable)
        for name, variable in variables.items()
        if environ.get(variable)
    }


def _split(name: str, value: str) -> str | bool | list[str]:
    """A variable holds several patterns with commas between them, and true or false as a word."""
    if name == "public":
        return _WORDS.get(value.lower(), value)
    return [part.strip() for part in value.split(",") if part.strip()] if name in _LISTS else value


def _checked(name: str, setting: _Setting) -> Any:
    if name == "ignore":
        return _codes(setting)
    if name in _LISTS:
        return _patterns(name, setting)
    if name == "public":
        return _truth(name, setting)
    text = _text(name, setting)
    if name == "template":
        return _file(name, setting.folder / text, setting)
    if name in _CHOICES and text not in _CHOICES[name]:
        allowed = ", ".join(_CHOICES[name])
        raise InvalidOption(f"{name}={text!r} ({setting.origin}) must be one of {allowed}.")
    if name == "stack_name" and not _STACK_NAME.fullmatch(text):
        raise InvalidOption(
            f"stack_name={text!r} ({setting.origin}) must start with a letter and hold at most "
            "128 letters, digits and hyphens.",
        )
    return text


def _text(name: str, setting: _Setting) -> str:
    if not isinstance(setting.value, str) or not setting.value:
        raise InvalidOption(f"{name}={setting.value!r} ({setting.origin}) must be a string.")
    return setting.value


def _codes(setting: _Setting) -> tuple[str, ...]:
    codes = setting.value
    if not isinstance(codes, list) or not all(isinstance(one, str) for one in codes):
        raise InvalidOption(
            f"ignore={codes!r} ({setting.origin}) must be a list of codes of `adapter check`, for "
            'example ["A207"].',
        )
    return tuple(codes)


def _truth(name: str, setting: _Setting) -> bool:
    if not isinstance(setting.value, bool):
        raise InvalidOption(f"{name}={setting.value!r} ({setting.origin}) must be true or false.")
    return setting.value


def _file(name: str, path: Path, setting: _Setting) -> Path:
    if not path.is_file():
        raise InvalidOption(
            f"{name}={setting.value!r} ({setting.origin}): there is no file {path}."
        )
    return path


def _patterns(name: str, setting: _Setting) -> tuple[str, ...]:
    patterns = setting.value
    if not isinstance(patterns, list) or not all(isinstance(one, str) for one in patterns):
        raise InvalidOption(f"{name}={patterns!r} ({setting.origin}) must be a list of patterns.")
    for pattern in patterns:
        if not pattern or pattern.startswith("/") or ".." in pattern.split("/"):
            raise InvalidOption(
                f"{name} pattern {pattern!r} ({setting.origin}) must be relative to the app dir "
                "and stay below it, for example 'data/*.json'.",
            )
    return tuple(pattern.rstrip("/") for pattern in patterns)

"""What goes into the layers: the adapter, what is installed, the user's code, an extension."""

import os
from collections.abc import Mapping
from pathlib import Path

import adapter
from adapter.errors import BuildError
from adapter.template.entries import Copy, Entry, Link, Text
from adapter.template.requirements import Requirements
from adapter.template.selection import Selection
from adapter.template.settings import BuildSettings
from adapter.template.sources import Sources

_PACKAGE = Path(adapter.__file__).resolve().parent
# What no function imports, by name. A pattern fits wherever a name occurs, so that `__main__.py`
# is not one: adapter/runtime has its own, which starts every function.
_BUILD_TIME = (
    *("check", "cli", "config", "cost", "local", "mypy_plugin.py", "plan", "stack", "template"),
    "testing.py",
)


def adapter_layer(settings: BuildSettings) -> dict[str, Entry]:
    """Return the part of this package that functions use, and the exec wrapper."""
    wrapper = _PACKAGE / "template" / "bootstrap"
    if settings.stage == "link":
        roots = {"adapter": _PACKAGE, "bootstrap": wrapper}
        return _linked(roots, settings.output / "layers" / "adapter")
    selection = Selection(root=_PACKAGE, exclude=_BUILD_TIME)
    copies = {f"adapter/{_below(path, _PACKAGE)}": path for path in selection.files(_PACKAGE)}
    return {name: Copy(source=path) for name, path in {**copies, "bootstrap": wrapper}.items()}


def shutdown_extension_layer(settings: BuildSettings) -> dict[str, Entry]:
    """Return the external extension; Lambda runs what is in /opt/extensions."""
    extension = _PACKAGE / "template" / "adapter-shutdown"
    name = f"extensions/{extension.name}"
    if settings.stage == "link":
        return _linked({name: extension}, settings.output / "layers" / "shutdown-extension")
    return {name: Copy(source=extension)}


def dependencies_layer(requirements: Requirements, target: str) -> dict[str, Entry]:
    """Return the requirements that `sam build` installs into the layer."""
    return {"requirements.txt": Text(text=requirements.text(target))}


def application_layer(
    sources: Sources,
    selection: Selection,
    settings: BuildSettings,
) -> dict[str, Entry]:
    """Return the user's code and data, copied or linked.

    Raises `BuildError` where a link would bring along what must stay out.
    """
    if settings.stage == "copy":
        return {name: Copy(source=path) for name, path in sources.files.items()}
    kept_out = [path for root in sources.roots.values() for path in selection.left_out(root)]
    if kept_out:
        raise BuildError(
            f'stage="link" would ship {", ".join(map(str, kept_out))}, because a link brings a '
            'folder as it is. Move it out of the folder, or choose stage="copy".',
        )
    return _linked(_outermost(sources.roots), settings.output / "layers" / "application")


def _linked(roots: Mapping[str, Path], folder: Path) -> dict[str, Entry]:
    return {name: _link(path, folder / name) for name, path in roots.items()}


def _link(source: Path, place: Path) -> Link:
    found = [source, *source.rglob("*")]
    files = [path for path in found if path.is_file() and "__pycache__" not in path.parts]
    return Link(
        target=os.path.relpath(source, place.parent.resolve()),
        size=sum(path.stat().st_size for path in files),
    )


def _outermost(roots: Mapping[str, Path]) -> dict[str, Path]:
    """Leave out what a linked folder brings anyway."""
    return {
        name: path
        for name, path in roots.items()
        if not any(other != path and path.is_relative_to(other) for other in roots.values())
    }


def _below(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()

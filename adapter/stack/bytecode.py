"""Compiled modules in what `sam build` has made, so that no cold start compiles them.

A function cannot write to its folders, and `sam build` drops what is compiled, so Python would
compile every module that it imports in every environment anew: as long again as importing them.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from adapter.template.cloudformation import read_template
from adapter.template.package_sizes import MAX_UNZIPPED, layer_ids, package_sizes

_PLACES = {"AWS::Serverless::LayerVersion": "/opt", "AWS::Serverless::Function": "/var/task"}
_CACHE = "__pycache__"


def compile_modules(build_folder: Path) -> tuple[str, ...]:
    """Compile the layers and functions in `build_folder` (`.aws-sam/build`), images aside.

    Each for the runtimes that it is for, and by these, because compiled modules are of one version
    of Python. The runtimes that are not on this machine are returned; nothing is compiled for them.
    What would not fit into a function any more, with its layers, stays as it was. Modules that
    cannot be compiled are left to whoever imports them.
    """
    path = build_folder / "template.yaml"
    template = read_template(path.read_text(encoding="utf-8")) if path.is_file() else {}
    missing: set[str] = set()
    for logical_id, place, runtimes in _built(template):
        folder = build_folder / logical_id
        if folder.is_symlink() or not folder.is_dir():  # what sam ships as it is lies elsewhere
            continue
        for runtime in runtimes:
            if (interpreter := _interpreter(runtime)) is None:
                missing.add(runtime)
            else:
                _compile(folder, place, interpreter)
    _remove_where_too_large(build_folder, template)
    return tuple(sorted(missing))


def _built(template: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield logical id, place on Lambda and runtimes of what is in Python."""
    common = template.get("Globals", {}).get("Function", {})
    for logical_id, resource in template.get("Resources", {}).items():
        if (place := _PLACES.get(resource.get("Type"))) is None:
            continue
        properties = resource.get("Properties") or {}
        if place == "/opt":
            found = properties.get("CompatibleRuntimes")
        else:
            found = [properties.get("Runtime", common.get("Runtime"))]
        runtimes = found if isinstance(found, list) else []
        yield logical_id, place, [one for one in runtimes if str(one).startswith("python")]


def _interpreter(runtime: str) -> str | None:
    """Find a Python that is what its name says: version managers have names for what is absent."""
    if runtime == f"python{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(runtime)
    if found is None:
        return None
    asked = subprocess.run([found, "--version"], check=False, capture_output=True, text=True)
    said = asked.stdout.strip().lower().replace(" ", "")  # "Python 3.13.1"
    return found if said.startswith(f"{runtime}.") else None


def _compile(folder: Path, place: str, interpreter: str) -> None:
    """Write the same bytes for the same source, wherever it is compiled, and not look at times.

    Zipping changes the times of files. One process at a time, because what several write depends
    on which module each gets. Links to folders are not followed: the user's source lies there.
    https://docs.python.org/3/library/compileall.html
    """
    options = ["-qq", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", place]
    subprocess.run(
        [interpreter, "-P", "-m", "compileall", *options, str(folder)],
        check=False,
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )


def _remove_where_too_large(build_folder: Path, template: Mapping[str, Any]) -> None:
    for logical_id, resource in template.get("Resources", {}).items():
        if resource.get("Type") != "AWS::Serverless::Function":
            continue
        ids = (logical_id, *layer_ids(logical_id, template))
        folders = [build_folder / one for one in ids]
        if sum(sum(package_sizes(folder).values()) for folder in folders) > MAX_UNZIPPED:
            for folder in folders:
                _remove(folder)


def _remove(folder: Path) -> None:
    for cache in list(folder.rglob(_CACHE)):
        shutil.rmtree(cache)

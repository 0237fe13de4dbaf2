"""How large is what `sam build` has made: Lambda takes 250 MB of a function that is no image."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapter.plan.values import FunctionPlan, StackPlan
from adapter.template.cloudformation import read_template

# Unzipped, a function and its layers together, in bytes.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_UNZIPPED = 250 * 1024 * 1024

REMEDY = (
    "Leave out what it does not need, or make it a container image, which may have 10 GB: "
    'LambdaOptions(package="image").'
)
_SHOWN = 5
# What pip puts beside a package: its shared libraries, and what is known about it.
_BESIDE = re.compile(r"(?P<name>.+?)(\.libs|\.data|-[^-]+\.(dist|egg)-info)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSize:
    """A top-level package or file, and its size in bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TooLarge:
    """A function that Lambda would refuse: `size` bytes unzipped, its layers included.

    `packages` is what it consists of, the largest first.
    """

    function: FunctionPlan
    size: int
    packages: tuple[PackageSize, ...]

    @property
    def reason(self) -> str:
        """What is wrong, and what it consists of."""
        largest = ", ".join(f"{one.name} {_mb(one.size)}" for one in self.packages[:_SHOWN])
        return (
            f"{_mb(self.size)} unzipped with its layers; Lambda takes {_mb(MAX_UNZIPPED)}. "
            f"The largest are {largest}."
        )


def too_large(build_folder: Path, plan: StackPlan) -> tuple[TooLarge, ...]:
    """Return the functions of a stack that are too large for Lambda, as they stand in the plan.

    `build_folder` is where `sam build` has put the functions, the layers and their template
    (`.aws-sam/build`). Images are not measured, and neither are layers from elsewhere, which are
    not on this machine. Where nothing has been built nothing is too large.
    """
    path = build_folder / "template.yaml"
    template = read_template(path.read_text(encoding="utf-8")) if path.is_file() else {}
    found = (
        _measured(one, build_folder, template) for one in plan.functions if one.package == "zip"
    )
    return tuple(one for one in found if one.size > MAX_UNZIPPED)


def package_sizes(folder: Path) -> dict[str, int]:
    """Return the sizes in bytes of what is in a folder, by top-level package.

    Shared libraries (`numpy.libs`) and metadata (`numpy-2.4.dist-info`) count as the package's.
    """
    sizes: Counter[str] = Counter()
    for path in folder.iterdir() if folder.is_dir() else ():
        beside = _BESIDE.fullmatch(path.name)
        sizes[beside["name"] if beside else path.name] += _size(path)
    return dict(sizes)


def layer_ids(logical_id: str, template: Mapping[str, Any]) -> Iterator[str]:
    """Yield the logical ids of a function's layers: SAM adds its own to those of Globals."""
    resource = template.get("Resources", {}).get(logical_id, {})
    for holder in (template.get("Globals", {}).get("Function", {}), resource.get("Properties", {})):
        for layer in holder.get("Layers", ()):
            if isinstance(layer, dict) and isinstance(layer.get("Ref"), str):
                yield layer["Ref"]


def _measured(function: FunctionPlan, folder: Path, template: Mapping[str, Any]) -> TooLarge:
    sizes = Counter(package_sizes(folder / function.logical_id))
    for layer in layer_ids(function.logical_id, template):
        sizes.update(_layer_sizes(folder / layer))
    packages = [PackageSize(name=name, size=size) for name, size in sizes.items()]
    packages.sort(key=lambda one: (-one.size, one.name))
    return TooLarge(
        function=function,
        size=sum(sizes.values()),
        packages=tuple(packages),
    )


def _layer_sizes(folder: Path) -> dict[str, int]:
    """Return the packages of a layer, which are below its folder `python`."""
    beside = {name: size for name, size in package_sizes(folder).items() if name != "python"}
    return {**beside, **package_sizes(folder / "python")}


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files if file.is_file())


def _mb(size: int) -> str:
    return f"{size / 1024 / 1024:,.0f} MB"

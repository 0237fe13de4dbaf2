"""What functions run on: Python's version and the processor."""

from typing import NamedTuple

from adapter.plan.values import FunctionPlan, StackPlan
from adapter.template.settings import BuildSettings


class Platform(NamedTuple):
    """A runtime and an architecture, in Lambda's words: `python3.13`, `arm64`."""

    runtime: str
    architecture: str

    @property
    def words(self) -> str:
        """Name it where dots are not allowed: `python313-arm64`."""
        return f"{self.runtime}-{self.architecture}".replace(".", "").replace("_", "-")

    @property
    def identifier(self) -> str:
        """Name it in a logical id: `Python313Arm64`."""
        return "".join(word.capitalize() for word in self.words.split("-"))


def platform_of(function: FunctionPlan, settings: BuildSettings) -> Platform:
    """Return what a function runs on: its own word, or the build's."""
    return Platform(
        function.runtime or settings.runtime,
        function.architecture or settings.architecture,
    )


def platforms(stack: StackPlan, settings: BuildSettings) -> list[Platform]:
    """Return what the functions with layers run on, the build's own first, the others sorted."""
    found = {platform_of(one, settings) for one in stack.functions if one.package == "zip"}
    own = Platform(settings.runtime, settings.architecture)
    return sorted(found, key=lambda one: (one != own, one))

"""A rule, a fault that it has seen, and a finding as it is reported."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from adapter.check.stack import Stack


@dataclass(frozen=True, slots=True)
class Fault:
    """What a rule has seen: where, why that is bad, and what to do.

    `where` is the name of a deployment, of an application, or the logical id of a resource of the
    user's own; "" is the whole stack. `resource` is the logical id in the template.
    """

    where: str
    reason: str
    remedy: str
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A code, what it stands for in a few words, and the function that looks for it."""

    code: str
    title: str
    look: "Callable[[Stack], Iterator[Fault]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A fault with its rule's code. Codes of errors start with A1, those of warnings with A2."""

    code: str
    where: str
    reason: str
    remedy: str
    resource: str = ""

    @property
    def severity(self) -> Literal["error", "warning"]:
        """An error fails on AWS or is unsafe; a warning may be meant."""
        return "error" if self.code.startswith("A1") else "warning"

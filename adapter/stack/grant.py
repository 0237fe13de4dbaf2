"""One permission, as small as it can be told."""

from collections.abc import Sequence
from typing import NamedTuple


class Grant(NamedTuple):
    """`who` may do `may` on `on`, `when` a condition holds.

    `denied` is the opposite, and access widens where it goes.
    """

    who: str
    may: str
    on: str
    when: str = ""
    denied: bool = False

    @property
    def action(self) -> str:
        """What is allowed or denied, and under which condition."""
        return self._told([self.may])

    def sentence(self, actions: Sequence[str]) -> str:
        """Say that this came, or that a denial went, for several actions at once."""
        verb = "is no longer denied" if self.denied else "may now"
        return f"{self.who} {verb} {self._told(actions)}"

    def _told(self, actions: Sequence[str]) -> str:
        condition = f" where {self.when}" if self.when else ""
        return f"{', '.join(actions)}{_joint(actions[0])}{self.on}{condition}"


def _joint(action: str) -> str:
    """Actions of IAM are done on something; our own words lead on."""
    return " on " if ":" in action or action == "*" or action.startswith("everything") else " "

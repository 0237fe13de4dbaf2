"""Mistakes in a config file, collected, so that one run shows all of them."""

from dataclasses import dataclass, field

from adapter.config.marks import Mark
from adapter.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What is wrong in the file called `path`."""

    path: str
    found: list[tuple[Mark, str]] = field(default_factory=list)

    def add(self, mark: Mark, message: str) -> None:
        """Note a mistake. The same one may be noted twice: an alias repeats what it stands for."""
        if (mark, message) not in self.found:
            self.found.append((mark, message))

    def refuse(self) -> None:
        """Raise `ConfigError` where anything was noted."""
        if self.found:
            raise self.error()

    def error(self) -> ConfigError:
        """Return everything that was noted, in the order of the file."""
        lines = [
            f"{self.path}:{mark.line}:{mark.column}: {message}"
            for mark, message in sorted(self.found)
        ]
        head = [f"{self.path} has {len(lines)} mistakes."] if len(lines) > 1 else []
        return ConfigError("\n".join([*head, *lines]))

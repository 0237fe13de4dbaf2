"""How long init took, and on what."""

from collections.abc import Mapping
from typing import Any, NamedTuple

LEAST_MS = 0.1  # what took less did nothing


class InitTimes(NamedTuple):
    """The parts of init in milliseconds, in the order in which they happened."""

    parts: Mapping[str, float]

    @classmethod
    def of(cls, handler: Any, total_ms: float) -> "InitTimes":
        """Read what a handler says about its own init; the rest of the time went into imports."""
        own: Mapping[str, float] = getattr(handler, "init_ms", {})
        parts = {"imports": total_ms - sum(own.values()), **own}
        return cls({name: ms for name, ms in parts.items() if ms >= LEAST_MS})

    def header(self) -> dict[str, str]:
        """What the local server is told with the first request for an invocation."""
        parts = ";".join(f"{name}={ms:.1f}" for name, ms in self.parts.items())
        return {"adapter-init": parts}

    def text(self) -> str:
        """What the log says."""
        return "init: " + ", ".join(f"{name} {ms:.0f} ms" for name, ms in self.parts.items())

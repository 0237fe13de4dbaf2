"""How a benchmark is to run, whichever it is."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True)
class Settings:
    """What `python -m bench` and each benchmark alone take.

    `python` is the interpreter of all contenders. `turns` stands in place of every benchmark's own
    number of turns; see `number_of_turns`. `web_adapter` is the executable of AWS's Lambda Web
    Adapter, which no package registry has.
    """

    python: str = sys.executable
    quick: bool = False
    turns: int | None = None
    web_adapter: Path | None = None

    def pick(self, full: Value, quick: Value) -> Value:
        """What differs between `make bench` and `make bench-quick`."""
        return quick if self.quick else full

    def number_of_turns(self, full: int, quick: int) -> int:
        return self.turns or self.pick(full, quick)

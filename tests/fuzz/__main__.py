"""Fuzz the adapter for a while, with other examples each time: `python -m tests.fuzz --help`."""

import argparse
import functools
import importlib
import random
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import hypothesis
from hypothesis import HealthCheck, is_hypothesis_test
from hypothesis.errors import HypothesisWarning

EXAMPLES = 100  # in one round; a seed stands for so many
_SEEDS = 2**32


class Target(NamedTuple):
    """A property, and the name that it is chosen by."""

    name: str
    test: Any

    def run(self, seed: int) -> int:
        """Try a round of examples; return how many. Raises what a failing example raises."""
        tried = 0
        inner = self.test.hypothesis.inner_test

        @functools.wraps(inner)
        def counted(*args: Any, **kwargs: Any) -> None:
            nonlocal tried
            tried += 1
            inner(*args, **kwargs)

        self.test.hypothesis.inner_test = counted
        try:
            hypothesis.seed(seed)(self.test)()
        finally:
            self.test.hypothesis.inner_test = inner
        return tried


def targets() -> Iterator[Target]:
    """Find the properties of this directory."""
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"tests.fuzz.{file.stem}")
        for name, test in vars(module).items():
            if name.startswith("test_") and is_hypothesis_test(test):
                yield Target(name.removeprefix("test_"), test)


class CtrlC:
    """Notes the first Ctrl-C; the second one ends the process.

    As an exception it would come out of anything, and much of what runs here catches exceptions.
    """

    def __init__(self) -> None:
        self.pressed = False

    def watch(self) -> None:
        """Begin to watch for it."""
        signal.signal(signal.SIGINT, self._press)

    def _press(self, _number: int, _frame: FrameType | None) -> None:
        self.pressed = True
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def fuzz(
    target: Target,
    seconds: float,
    seed: int,
    say: Callable[[str], None],
    ctrl_c: CtrlC,
) -> bool:
    """Run rounds until the time is over, or Ctrl-C; say whether all examples held."""
    began, rounds, tried = time.monotonic(), 0, 0
    while not rounds or (time.monotonic() - began < seconds and not ctrl_c.pressed):
        try:
            tried += target.run((seed + rounds) % _SEEDS)
        except Exception:  # noqa: BLE001 - whatever an example has found
            traceback.print_exc()
            say(f"\n{target.name}: an example failed; it is above, and hypothesis has kept it.")
            say(f"again: python -m tests.fuzz {target.name} --seed {(seed + rounds) % _SEEDS}")
            return False
        rounds += 1
    took = time.monotonic() - began
    say(f"{target.name:<48} seed {seed:<10} {rounds:>4} rounds {tried:>7} examples {took:6.1f} s")
    return True


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit code: 1 where an example failed, 130 for Ctrl-C."""
    _configure()  # before the targets are imported, which take what they find
    known = {target.name: target for target in targets()}
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", nargs="*", help="what to fuzz (default: everything)")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each target (default: 3)")
    parser.add_argument("--seed", type=int, help="one round with this seed, to see it again")
    parser.add_argument("--list", action="store_true", help="list the targets and end")
    chosen = parser.parse_args(arguments)
    if unknown := sorted(set(chosen.target) - known.keys()):
        parser.error(f"no target {unknown[0]!r}; --list names them")
    if chosen.list:
        _say("\n".join(known))
        return 0
    seconds = chosen.seconds if chosen.seed is None else 0.0
    return _run([known[name] for name in chosen.target or known], seconds, chosen.seed)


def _run(chosen: list[Target], seconds: float, seed: int | None) -> int:
    ctrl_c = CtrlC()
    ctrl_c.watch()
    _say(f"targets: {len(chosen)}, {seconds:g} s each; Ctrl-C ends after the round, twice at once")
    for target in chosen:
        drawn = random.randrange(_SEEDS) if seed is None else seed
        if not fuzz(target, seconds, drawn, _say, ctrl_c):
            return 1
        if ctrl_c.pressed:
            return 130
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _configure() -> None:
    warnings.simplefilter("error")  # as in the tests
    warnings.simplefilter("ignore", HypothesisWarning)  # of long examples, in place of the failure
    hypothesis.settings.register_profile(
        "fuzz",
        deadline=None,
        max_examples=EXAMPLES,
        derandomize=False,
        print_blob=True,
        database=hypothesis.settings.get_profile("default").database,
        suppress_health_check=list(HealthCheck),  # they watch for what nobody waits for here
    )
    hypothesis.settings.load_profile("fuzz")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

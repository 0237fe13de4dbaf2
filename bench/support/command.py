"""The command lines: what all of them take, and a benchmark that runs by itself."""

import argparse
import contextlib
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.support import report
from bench.support.result import Benchmark
from bench.support.settings import Settings

Run = Callable[[Settings], Benchmark]
INTERRUPTED = 130  # what a shell says of a command that SIGINT has ended


def parser(description: str) -> argparse.ArgumentParser:
    """The options that everything in this folder shares."""
    found = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument(
        "--python",
        default=sys.executable,
        type=_interpreter,
        help="interpreter of all contenders; needs the packages of requirements/dev.txt",
    )
    found.add_argument("--output", choices=("text", "json"), default="text")
    return found


def benchmark_parser(description: str) -> argparse.ArgumentParser:
    """The same, with what makes `Settings`."""
    found = parser(description)
    found.add_argument("--quick", action="store_true", help="few turns: for ratios in CI's logs")
    found.add_argument("--turns", type=_count, help="of each contender, in every benchmark")
    found.add_argument(
        "--web-adapter",
        type=_program,
        metavar="PATH",
        help="the executable of AWS's Lambda Web Adapter, to measure it too",
    )
    return found


def settings(given: argparse.Namespace) -> Settings:
    return Settings(given.python, given.quick, given.turns, given.web_adapter)


def alone(run: Run, description: str, arguments: Sequence[str] | None = None) -> int:
    """The `main` of a benchmark without options of its own."""
    given = benchmark_parser(description).parse_args(arguments)
    return finish(run, given)


def finish(run: Run, given: argparse.Namespace) -> int:
    """Run one benchmark and print it; 130 where somebody has ended it.

    Only the suite fails on regressions: whoever runs one benchmark looks at it.
    """
    with ended_by_signals():
        try:
            found = run(settings(given))
        except KeyboardInterrupt:
            return INTERRUPTED
    print(shown((found,), given), end="")
    return 0


def shown(found: Sequence[Benchmark], given: argparse.Namespace) -> str:
    return report.as_json(found, given.python) if given.output == "json" else report.as_text(found)


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM end everything as Ctrl-C does: by the `with` blocks that have started it."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = [signal.signal(one, interrupt) for one in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for one, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(one, handler)


def progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _interpreter(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise argparse.ArgumentTypeError(f"there is no command {name!r}")
    return str(Path(found).absolute())  # not resolved: a link says which environment is meant


def _program(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise argparse.ArgumentTypeError(f"{name!r} is no executable file")
    return Path(found).absolute()


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, found {text!r}")
    return int(text)

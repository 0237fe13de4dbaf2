"""Where a profiled child spent its time: by part of the code, then by function."""

import contextlib
import pstats
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

# The first that matches a file name counts.
PARTS = (
    ("adapter/runtime", r"/adapter/runtime/"),
    ("adapter/http1", r"/adapter/http1\.py"),
    ("adapter/http", r"/adapter/http/"),
    ("adapter, the rest", r"/adapter/"),
    ("Mangum", r"/mangum/"),
    ("FastAPI, Starlette, Pydantic", r"/(fastapi|starlette|pydantic|anyio|annotated_types)/"),
    ("asyncio", r"/(asyncio|selectors)\b"),
    ("json", r"/json/"),
    ("benchmark's application", r"/bench/handlers/"),
    ("standard library, the rest", r"/python3|<frozen "),
    ("built-in functions", r"~"),
)
# A read waits for what it reads: how long is the other side's, so reads are left out whole.
WAITING = re.compile(r"method '(poll|recv)' of '(select|_socket)|time\.sleep")
TOP = 30

Entry = tuple[str, int, str]


class Cost(NamedTuple):
    calls: float
    seconds: float


@contextlib.contextmanager
def output() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder, "profile")


def show(title: str, profile: Path, invocations: int) -> None:
    entries: dict[Entry, Any] = pstats.Stats(str(profile)).stats  # type: ignore[attr-defined]  # typeshed lacks it
    # What ran for every invocation: nothing that only the imports did, and no waiting.
    warm = {
        entry: Cost(calls / invocations, seconds)
        for entry, (_, calls, seconds, *_) in entries.items()
        if calls >= invocations and not WAITING.search(entry[2])
    }
    total = sum(cost.seconds for cost in warm.values())
    print(f"\n{title}: {invocations} invocations, {total:.2f} s under cProfile without waiting")
    print("\nshare  part of the code, by the time in its own functions")
    parts: dict[str, float] = defaultdict(float)
    for entry, cost in warm.items():
        parts[_part(entry)] += cost.seconds
    for part, seconds in sorted(parts.items(), key=lambda item: -item[1]):
        print(f"{seconds / total:5.1%}  {part}")
    print("\nshare  calls each  function, by its own time")
    for entry, cost in sorted(warm.items(), key=lambda item: -item[1].seconds)[:TOP]:
        print(f"{cost.seconds / total:5.1%}  {cost.calls:10.1f}  {_name(entry)}")


def _part(entry: Entry) -> str:
    file = entry[0].replace("\\", "/")
    return next((part for part, pattern in PARTS if re.search(pattern, file)), "others")


def _name(entry: Entry) -> str:
    file, line, function = entry
    if file == "~":
        return function
    path = Path(file)
    return f"{path.parent.name}/{path.name}:{line} {function}"

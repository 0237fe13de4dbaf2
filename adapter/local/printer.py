"""Lines to standard output from an event loop that must not wait for whoever reads them.

A pager or a terminal on hold stops reading, the pipe fills up and a plain `print` would stop the
server with it, Ctrl-C included.
"""

import json
import os
import queue
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

_MOST_WAITING = 10_000  # lines
_LAST_LINES_S = 0.5  # how long the end waits for the reader
# Lines of so many seconds are written at once. To wake the thread for each would cost the event
# loop more than all else about a line, because both want the interpreter then.
_GATHERED_S = 0.01


class LinePrinter:
    """Writes lines to a file descriptor in a thread of its own.

    Where the reader falls far behind, lines are dropped and their number is told, in a JSON object
    if `as_json`. `on_broken` is called, in that thread, when there is no reader any more.
    """

    def __init__(self, fd: int, *, as_json: bool, on_broken: Callable[[], None]) -> None:
        self._fd = fd
        self._as_json = as_json
        self._on_broken = on_broken
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lost = 0
        # A daemon: it may hang in a write for good when the program ends.
        self._thread = threading.Thread(target=self._run, name="adapter-printer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Wait a moment for the lines that have not been read yet."""
        self._lines.put(None)
        self._thread.join(_LAST_LINES_S)

    def __call__(self, line: str) -> None:
        """Print a line; never waits."""
        if self._lines.qsize() >= _MOST_WAITING:
            self._lost += 1
            return
        if self._lost:
            self._lines.put(self._lost_note())
            self._lost = 0
        self._lines.put(line)

    def _lost_note(self) -> str:
        if self._as_json:
            return json.dumps({"type": "lost", "lines": self._lost})
        return f"({self._lost} lines were not read in time and are lost)"

    def _run(self) -> None:
        last = False
        while not last:
            lines, last = self._gathered()
            try:
                _write_all(self._fd, "".join(lines).encode("utf-8", "replace"))
            except OSError:  # as after `adapter run ... | head`
                self._on_broken()
                return

    def _gathered(self) -> tuple[list[str], bool]:
        """Wait for lines; say whether they are the last."""
        line, lines = self._lines.get(), []
        if line is not None:
            time.sleep(_GATHERED_S)
        while line is not None:
            lines.append(f"{line}\n")
            if self._lines.empty():
                return lines, False
            line = self._lines.get()
        return lines, True


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]

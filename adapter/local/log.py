"""What `adapter run` tells: one line for each invocation and init, and the functions' own output.

Text for people, or one JSON object on each line for tools. Nothing is kept in memory.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from typing import Any

from adapter.local.process import STDERR

_RESET = "\x1b[0m"
_STYLES = {
    "bold": "\x1b[1m",
    "dim": "\x1b[2m",
    "red": "\x1b[31m",
    "green": "\x1b[32m",
    "yellow": "\x1b[33m",
    "cyan": "\x1b[36m",
}
_LABEL_WIDTH = 26
_LIMIT = 200  # characters that a line shows of a path, or of anything else that others chose
_COLORS = re.compile("(\x1b\\[[0-9;:]*m)")
# What steers a terminal, ends a line or turns the direction of text; not the tab, and not what
# joins letters and emoji.
_STEERS = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]",
)
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # categories of Unicode


class Level(Enum):
    """How much is told."""

    QUIET = "quiet"  # the functions' output and what fails outside of an invocation
    NORMAL = "normal"  # each invocation and init too
    VERBOSE = "verbose"  # request ids too


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationRecord:
    """One finished invocation.

    `label` says what was asked: method and path, the method called, or "Event". `status` is the
    HTTP status, "ok", "error", or "cancelled" where the caller has hung up; `error` is the error's
    type, empty where there is none. `caller` is the deployment that called through a handle, else
    empty. Of an answer that was `streamed`, `bytes` is the size of its body so far, `first_byte_ms`
    when it began, counted from the request, and `note` what there is to know about it.
    """

    function: str
    label: str
    status: str
    request_id: str
    duration_ms: float = 0.0
    cold: bool = False
    error: str = ""
    caller: str = ""
    streamed: bool = False
    bytes: int | None = None
    first_byte_ms: float | None = None
    note: str = ""


class Log:
    """Writes lines through `write`, which gets them without the line's end."""

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        as_json: bool = False,
        color: bool = False,
        level: Level = Level.NORMAL,
    ) -> None:
        self._write = write
        self._json = as_json
        self._color = color
        self._level = level
        self.name_width = 0
        self.invocations = 0

    def style(self, text: str, style: str) -> str:
        """Return `text` in a style where the output takes colours."""
        return f"{_STYLES[style]}{text}{_RESET}" if self._color and text else text

    def invocation(self, record: InvocationRecord) -> None:
        """Tell of a finished invocation."""
        self.invocations += 1
        if self._level is Level.QUIET:
            return
        if self._json:
            facts = asdict(record)
            for name in ("duration_ms", "first_byte_ms"):
                facts[name] = None if facts[name] is None else round(facts[name], 3)
            self._object("invocation", **facts)
        else:
            self._line(record.function, self._invocation_text(record))

    def init(
        self,
        function: str,
        duration_ms: float,
        parts: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """Tell that an environment is ready; `parts` are the milliseconds that it knows of."""
        if self._level is Level.QUIET:
            return
        if self._json:
            facts = {"parts": dict(parts)} if parts else {}
            self._object("init", function=function, duration_ms=round(duration_ms, 3), **facts)
        else:
            text = f"init  {_milliseconds(duration_ms)}{_parts_text(parts)}"
            self._line(function, self.style(text, "dim"))

    def init_failed(self, function: str, duration_ms: float, reason: str) -> None:
        """Tell that an environment failed before it was ready."""
        if self._json:
            self._object(
                "init_failed",
                function=function,
                duration_ms=round(duration_ms, 3),
                reason=reason,
            )
        else:
            text = f"init  {_milliseconds(duration_ms)}  failed  {visible(reason)}"
            self._line(function, self.style(text, "red"))

    def problem(self, function: str, kind: str, reason: str) -> None:
        """Tell what went wrong with a function, such as the crash of an environment."""
        if self._json:
            self._object(kind, function=function, reason=reason)
        else:
            self._line(function, self.style(f"{kind}  {visible(reason)}", "red"))

    def output(self, function: str, fd: int, line: bytes) -> None:
        """Pass on a line that a function printed; AWS's runtime client ends some with CR only."""
        text = line.decode("utf-8", "replace")
        if self._json:
            stream = "stderr" if fd == STDERR else "stdout"
            self._object("output", function=function, stream=stream, text=text)
            return
        for part in text.split("\r"):
            self._line(function, f"{self.style('│', 'dim')} {_printed(part, color=self._color)}")

    def notice(self, kind: str, text: str, *, failed: bool = False, **facts: Any) -> None:
        """Tell something about the server itself; `facts` are for tools.

        The text may have several lines and styles; where it has `failed`, what it quotes is the
        user's, and it has no styles.
        """
        if self._json:
            self._object(kind, **(facts or {"text": text}))
        elif failed:
            self._write(self.style("\n".join(map(visible, text.split("\n"))), "red"))
        elif self._level is not Level.QUIET:
            self._write(text)

    def _invocation_text(self, record: InvocationRecord) -> str:
        status = self.style(f"{record.status:<5}", "red" if record.error else "green")
        label = visible(record.label)[:_LIMIT]
        text = f"{label:<{_LABEL_WIDTH}}  {status} {_milliseconds(record.duration_ms)}"
        if record.cold or record.caller:
            text += "  " + self.style("cold" if record.cold else "    ", "yellow")
        if record.streamed:
            text += self._streamed_text(record)
        if record.caller:
            text += self.style(f"   ← {visible(record.caller)[:_LIMIT]}", "dim")
        if record.error:
            text += self.style(f"   {visible(record.error)[:_LIMIT]}", "red")
        if self._level is Level.VERBOSE:
            text += self.style(f"   {record.request_id}", "dim")
        return text

    def _streamed_text(self, record: InvocationRecord) -> str:
        note = self.style(f" ({record.note})", "dim") if record.note else ""
        return f"  streamed {_size(record.bytes or 0)}{note}"

    def _line(self, function: str, text: str) -> None:
        time = self.style(datetime.now().astimezone().time().isoformat("milliseconds"), "dim")
        name = self.style(f"{function:<{self.name_width}}", "cyan")
        self._write(f"{time}  {name}  {text}")

    def _object(self, kind: str, **facts: Any) -> None:
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._write(json.dumps({"type": kind, "time": time, **facts}))


def visible(text: str) -> str:
    """Escape control characters and ends of lines: what others send must not draw on the terminal.

    Format characters are among them, because some reverse the direction of the text after them.
    """
    if text.isprintable():  # nearly always, and said at once
        return text
    return "".join(
        ascii(character)[1:-1] if unicodedata.category(character) in _INVISIBLE else character
        for character in text
    )


def _printed(text: str, *, color: bool) -> str:
    """Show what a function printed: its colours where the log has some, and nothing that draws."""
    parts = _COLORS.split(text)  # text and colours take turns
    parts[::2] = [_STEERS.sub(lambda found: ascii(found[0])[1:-1], part) for part in parts[::2]]
    if len(parts) == 1:
        return parts[0]
    return "".join([*parts, _RESET] if color else parts[::2])


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    return f"{count / 1e3:.3g} kB" if count < 999_500 else f"{count / 1e6:.3g} MB"


def _parts_text(parts: Mapping[str, float]) -> str:
    told = [f"{visible(name)} {duration:.0f}" for name, duration in parts.items() if duration >= 1]
    return f"   ({', '.join(told)})" if told else ""


def _milliseconds(duration: float) -> str:
    return f"{duration:7.1f} ms" if duration < 100 else f"{duration:7.0f} ms"

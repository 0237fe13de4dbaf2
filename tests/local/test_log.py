"""Log lines, for people and for tools."""

import json
import re
from typing import Any

import pytest

from adapter.local.log import InvocationRecord, Level, Log, visible
from adapter.local.process import STDERR, STDOUT


def _log(**settings: Any) -> tuple[Log, list[str]]:
    lines: list[str] = []
    log = Log(lines.append, **settings)
    log.name_width = 9
    return log, lines


def _record(**facts: Any) -> InvocationRecord:
    given = {
        "function": "Gateway",
        "label": "POST /analyze",
        "status": "200",
        "request_id": "the-id",
        "duration_ms": 9.81,
    }
    return InvocationRecord(**{**given, **facts})


def _without_time(line: str) -> str:
    time, _, rest = line.partition("  ")
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", time)
    return rest


def test_an_invocation_is_one_line() -> None:
    log, lines = _log()
    log.invocation(_record(cold=True))
    log.invocation(
        _record(function="Sentiment", label="predict", status="ok", caller="Gateway"),
    )
    log.invocation(_record(status="500", error="KeyError", duration_ms=1234.5))

    assert [_without_time(line) for line in lines] == [
        "Gateway    POST /analyze               200       9.8 ms  cold",
        "Sentiment  predict                     ok        9.8 ms         ← Gateway",
        "Gateway    POST /analyze               500      1234 ms   KeyError",
    ]
    assert log.invocations == 3


def test_a_streamed_answer_says_so() -> None:
    log, lines = _log()
    log.invocation(_record(streamed=True, bytes=13_960, note="an HTTP API buffers this"))
    log.invocation(_record(streamed=True, cold=True, caller="Gateway", bytes=5))
    log.invocation(_record(streamed=True, bytes=200_000_000, error="Function.KeyError"))

    assert [_without_time(line).partition(" ms")[2] for line in lines] == [
        "  streamed 14 kB (an HTTP API buffers this)",
        "  cold  streamed 5 B   ← Gateway",
        "  streamed 200 MB   Function.KeyError",
    ]


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1230, "1.23 kB"),
        (999_400, "999 kB"),
        (999_500, "1 MB"),
        (2_500_000, "2.5 MB"),
    ],
)
def test_sizes_are_short(size: int, shown: str) -> None:
    log, lines = _log()
    log.invocation(_record(streamed=True, bytes=size))

    assert lines[0].endswith(f"streamed {shown}")


def test_tools_are_told_when_a_stream_began() -> None:
    log, lines = _log(as_json=True)
    log.invocation(_record(streamed=True, bytes=5, first_byte_ms=1.23456))
    told = json.loads(lines[0])

    assert (told["streamed"], told["bytes"], told["first_byte_ms"]) == (True, 5, 1.235)


def test_init_and_what_goes_wrong() -> None:
    log, lines = _log()
    log.init("Gateway", 182.4)
    log.init_failed("Gateway", 12.0, "ImportError: no\nsuch")
    log.problem("Gateway", "crash", "Runtime exited with error: exit status 3")

    assert [_without_time(line) for line in lines] == [
        "Gateway    init      182 ms",
        "Gateway    init     12.0 ms  failed  ImportError: no\\nsuch",
        "Gateway    crash  Runtime exited with error: exit status 3",
    ]


def test_output_of_a_function_has_its_name_in_front() -> None:
    log, lines = _log()
    log.output("Gateway", STDOUT, "héllo".encode())
    log.output("Gateway", STDERR, b"one\rtwo \xff")

    assert [_without_time(line) for line in lines] == [
        "Gateway    │ héllo",
        "Gateway    │ one",
        "Gateway    │ two �",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/a b/ü/→", "/a b/ü/→"),
        ("/\r\n14:02 fake", "/\\r\\n14:02 fake"),
        ("/\x1b[2J\x07", "/\\x1b[2J\\x07"),
        ("/\u202egnp.exe", "/\\u202egnp.exe"),
        ("/\x9b", "/\\x9b"),
        ("/\ud800", "/\\ud800"),
    ],
)
def test_what_a_client_sends_cannot_draw_on_the_terminal(text: str, shown: str) -> None:  # R9
    assert visible(text) == shown


def test_a_long_path_does_not_fill_the_screen() -> None:
    log, lines = _log()
    log.invocation(_record(label="GET /" + "x" * 10_000))

    assert len(lines[0]) < 300


def test_tools_get_one_object_per_line() -> None:
    log, lines = _log(as_json=True)
    log.invocation(_record(label="GET /\n"))
    log.init("Gateway", 1.23456)
    log.init_failed("Gateway", 1, "X: y")
    log.problem("Gateway", "crash", "z")
    log.output("Gateway", STDERR, b"a\rb")
    log.notice("stop", "text for people", invocations=1)
    objects = [json.loads(line) for line in lines]
    for told in objects:
        assert told.pop("time").endswith("+00:00")

    assert objects == [
        {
            "type": "invocation",
            "function": "Gateway",
            "label": "GET /\n",
            "status": "200",
            "request_id": "the-id",
            "duration_ms": 9.81,
            "cold": False,
            "error": "",
            "caller": "",
            "streamed": False,
            "bytes": None,
            "first_byte_ms": None,
            "note": "",
        },
        {"type": "init", "function": "Gateway", "duration_ms": 1.235},
        {"type": "init_failed", "function": "Gateway", "duration_ms": 1, "reason": "X: y"},
        {"type": "crash", "function": "Gateway", "reason": "z"},
        {"type": "output", "function": "Gateway", "stream": "stderr", "text": "a\rb"},
        {"type": "stop", "invocations": 1},
    ]


def test_quiet_tells_only_what_functions_print_and_what_fails() -> None:
    log, lines = _log(level=Level.QUIET)
    log.invocation(_record())
    log.init("Gateway", 1)
    log.notice("start", "banner")
    silent = list(lines)
    log.output("Gateway", STDOUT, b"hello")
    log.init_failed("Gateway", 1, "X")
    log.notice("reload_failed", "syntax error", failed=True)

    assert silent == []
    assert len(lines) == 3
    assert log.invocations == 1


def test_verbose_tells_request_ids() -> None:
    log, lines = _log(level=Level.VERBOSE)
    log.invocation(_record())

    assert lines[0].endswith("   the-id")


def test_colours_only_where_asked_for() -> None:
    plain, plain_lines = _log()
    colored, colored_lines = _log(color=True)
    for log in (plain, colored):
        log.invocation(_record(cold=True, error="KeyError", caller="Gateway"))
        log.notice("reload_failed", "no", failed=True)

    assert "\x1b[" not in "".join(plain_lines)
    stripped = [re.sub(r"\x1b\[\d+m", "", line) for line in colored_lines]
    assert _without_time(stripped[0]) == _without_time(plain_lines[0])
    assert colored_lines[1] == "\x1b[31mno\x1b[0m"


def test_the_parts_of_an_init_are_told_with_it() -> None:
    log, lines = _log()
    log.init("Gateway", 182.4, {"imports": 151.2, "constructor": 0.3, "lifespan": 12.4})
    as_json, json_lines = _log(as_json=True)
    as_json.init("Gateway", 182.4, {"imports": 151.2})

    assert _without_time(lines[0]).endswith("init      182 ms   (imports 151, lifespan 12)")
    assert json.loads(json_lines[0])["parts"] == {"imports": 151.2}

"""Colours and errors on the terminal."""

import io

import pytest

from adapter.cli.terminal import print_error, use_color


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("choice", "stream", "environ", "colored"),
    [
        ("auto", _Terminal(), {}, True),
        ("auto", io.StringIO(), {}, False),
        ("auto", _Terminal(), {"NO_COLOR": "1"}, False),
        ("auto", _Terminal(), {"NO_COLOR": ""}, True),
        ("auto", _Terminal(), {"TERM": "dumb"}, False),
        ("always", io.StringIO(), {"NO_COLOR": "1"}, True),
        ("never", _Terminal(), {}, False),
    ],
)
def test_colours_are_for_terminals_unless_somebody_says_otherwise(
    choice: str,
    stream: io.StringIO,
    environ: dict[str, str],
    colored: bool,  # noqa: FBT001 - a parameter of the table above
) -> None:
    assert use_color(choice, stream, environ) is colored


def test_an_error_on_a_terminal_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    print_error("oops")

    assert terminal.getvalue() == "\x1b[31merror:\x1b[0m oops\n"

"""The command group and its error boundary."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from adapter import __version__
from adapter.cli import main as cli
from adapter.cli.main import COMMANDS, adapter, main
from adapter.errors import PlanError


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Make a command `fail` that raises what the list holds."""
    errors: list[BaseException] = []

    @click.command()
    def fail() -> None:
        raise errors[0]

    monkeypatch.setattr(adapter, "get_command", lambda _context, _name: fail)
    return errors


def test_a_users_error_is_one_line_and_exit_code_2(
    failing: list[BaseException],
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing.append(PlanError("the plan is bad.\nDo it better."))
    code = main(["fail"])

    assert code == 2
    assert capsys.readouterr().err == "error: the plan is bad.\n       Do it better.\n"


def test_an_unexpected_error_is_a_traceback_and_exit_code_1(
    failing: list[BaseException],
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing.append(ZeroDivisionError("oops"))
    code = main(["fail"])

    assert code == 1
    assert "ZeroDivisionError: oops" in capsys.readouterr().err


def test_an_interruption_is_exit_code_130(failing: list[BaseException]) -> None:
    failing.append(KeyboardInterrupt())

    assert main(["fail"]) == 130


def test_the_return_value_of_a_command_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = click.Command("three", callback=lambda: 3)
    monkeypatch.setattr(adapter, "get_command", lambda _context, _name: command)

    assert main(["three"]) == 3


@pytest.mark.parametrize("arguments", [["nonsense"], ["run"], ["run", "x:y", "--port", "99999"]])
def test_wrong_usage_is_exit_code_2(
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(arguments) == 2
    assert "Usage: adapter" in capsys.readouterr().err


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "Commands:" in capsys.readouterr().err


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"adapter, version {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_has_a_help(
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([name, "--help"]) == 0
    assert f"Usage: adapter {name}" in capsys.readouterr().out


def test_help_imports_nothing_but_click() -> None:
    source = (
        "import sys\n"
        "from adapter.cli.main import main\n"
        "main(['--help'])\n"
        "heavy = {'asyncio', 'boto3', 'fastapi', 'pydantic', 'starlette', 'uvicorn', 'yaml'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    repository = Path(cli.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", source],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert "Serve on this machine" in done.stdout

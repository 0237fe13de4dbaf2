"""The examples of docs/config-file.md: saved under their names, run as written, with real ports."""

import re
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import adapter_run

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "config-file.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = {text.splitlines()[0].removeprefix("# "): text for kind, text in BLOCKS if kind}
TERMINALS = [text for kind, text in BLOCKS if not kind and text.startswith("$ ")]
COMMANDS = [
    line.partition("#")[0].strip()
    for kind, text in BLOCKS
    if not kind and not text.startswith("$ ")
    for line in text.splitlines()
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / ".git").mkdir()
    return tmp_path


def lines_of(terminal: str) -> Iterator[tuple[list[str], str]]:
    """Yield the commands of a terminal, and what each prints."""
    for part in terminal.split("$ ")[1:]:
        command, _, printed = part.partition("\n")
        yield shlex.split(command), printed


def adapter(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "adapter.cli.main", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_block_is_a_file_a_terminal_or_a_command() -> None:
    assert list(FILES) == ["shop.py", "shop.yaml", "wrong.yaml"]
    assert len(TERMINALS) == 2
    assert {command.split()[0] for command in COMMANDS} == {"adapter"}


def test_the_example_is_served_as_the_page_says(folder: Path) -> None:
    (served, _), (asked, answer) = lines_of(TERMINALS[0])
    assert served == ["adapter", "run", "shop.yaml"]
    run = adapter_run("shop.yaml", folder=folder, PYTHONPATH=str(ROOT))
    try:
        url = asked[-1].replace("http://127.0.0.1:8000", run.http_url)
        with urllib.request.urlopen(url, timeout=30) as response:
            body = response.read().decode()
    finally:
        run.stop()

    assert f"{body}\n" == answer


def test_the_mistakes_are_told_as_the_page_says(folder: Path) -> None:
    [(command, printed)] = lines_of(TERMINALS[1])
    done = adapter(folder, *command[1:])

    assert done.stderr == printed
    assert done.returncode == 2


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.startswith("adapter build")])
def test_what_is_built_on_the_page_can_be_built(folder: Path, command: str) -> None:
    done = adapter(folder, *command.split()[1:])

    assert (done.returncode, done.stderr) == (0, "")


def test_the_names_of_the_functions_are_those_on_the_page(folder: Path) -> None:
    adapter(folder, "build", "shop.yaml")
    template = (folder / "template.yaml").read_text(encoding="utf-8")

    for name in re.findall(r"`<stack>(-[\w-]+)`", PAGE):
        assert f"${{AWS::StackName}}{name}" in template
    assert 'stack_name = "shop"' in (folder / "samconfig.toml").read_text(encoding="utf-8")

"""Every block of the README does what the README says, in the order in which a reader meets it.

Commands run as written, in one folder that stands for the reader's project, but for what a reader
does not notice: ports are free ones instead of 8000 and 3001.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.running import Run, adapter_run

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Block:
    """A fenced block, by its language."""

    language: str
    text: str

    @property
    def first_line(self) -> str:
        return self.text.splitlines()[0]


def blocks() -> list[Block]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    return [Block(language, text) for language, text in found]


@dataclass
class Reader:
    """Somebody who follows the README in a folder."""

    folder: Path
    run: Run | None = None
    last_output: str = ""
    started: list[Run] = field(default_factory=list)

    def follow(self, block: Block) -> None:
        """Do what a block says."""
        actions: dict[str, Callable[[Block], None]] = {
            "python": self.python,
            "bash": self.bash,
            "json": self.compare,
        }
        actions[block.language](block)

    def python(self, block: Block) -> None:
        """Save a program that is named in its first line, run any other and check its comments."""
        if match := re.fullmatch(r"# (\w+\.py)", block.first_line):
            (self.folder / match[1]).write_text(block.text, encoding="utf-8")
            self.execute([sys.executable, "-c", f"import {match[1][:-3]}"])
            return
        expected = re.findall(r"^print\(.*\)  # (.*)$", block.text, re.MULTILINE)
        output = self.execute([sys.executable, "-c", self.with_real_ports(block.text)])
        assert output.split() == expected

    def bash(self, block: Block) -> None:
        for line in block.text.splitlines():
            self.command(line)

    def command(self, line: str) -> None:
        if line.startswith("make "):
            target = line.split()[1]
            self.execute(["make", "--dry-run", "--directory", str(ROOT), target])
        elif line.startswith("adapter run "):
            self.run = adapter_run(*line.split()[2:], folder=self.folder)
            self.started.append(self.run)
        elif line == "sam deploy --guided":
            # Deploying needs an AWS account. That the command and its option exist is checked.
            assert "--guided" in self.execute(["sam", "deploy", "--help"])
        else:
            self.last_output = self.execute(["bash", "-c", self.with_real_ports(line)])

    def compare(self, block: Block) -> None:
        assert json.loads(self.last_output) == json.loads(block.text)

    def with_real_ports(self, text: str) -> str:
        if self.run is None:
            return text
        return text.replace("http://127.0.0.1:8000", self.run.http_url).replace(
            "http://127.0.0.1:3001",
            self.run.lambda_url,
        )

    def execute(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def environment(self) -> dict[str, str]:
        endpoint = {"AWS_ENDPOINT_URL_LAMBDA": self.run.lambda_url} if self.run else {}
        return {
            **os.environ,
            "AWS_DEFAULT_REGION": "eu-west-1",
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "SAM_CLI_TELEMETRY": "0",
            **endpoint,
        }


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    following = Reader(tmp_path)
    yield following
    for run in following.started:
        run.stop()


@pytest.mark.sam
@pytest.mark.timeout(300)
def test_the_readme_can_be_followed_from_top_to_bottom(reader: Reader) -> None:
    if shutil.which("sam", path=str(BIN)) is None and os.environ.get("CI") != "true":
        pytest.skip("sam is not there: run `make setup-sam`")

    for block in blocks():
        reader.follow(block)

    assert (reader.folder / ".aws-sam/build/template.yaml").is_file()


def test_every_block_has_a_language_that_is_followed() -> None:
    assert {block.language for block in blocks()} <= {"python", "bash", "json"}


def test_links_into_the_repository_lead_somewhere() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", readme)

    assert [target for target in targets if not (ROOT / target).exists()] == []

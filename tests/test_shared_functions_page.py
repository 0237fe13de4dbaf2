"""The examples of docs/shared-functions.md: they run, and are what `adapter build` writes."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from adapter.calls import shape
from adapter.config.program import Target, read_program
from adapter.plan.target import plan_target
from adapter.serve.options import DeploymentOptions
from tests.plan import programs

PAGE = (Path(__file__).parent.parent / "docs" / "shared-functions.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = {
    first.removeprefix("# "): text
    for text in BLOCKS
    if (first := text.splitlines()[0]).startswith("# ")
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with programs.program_in(tmp_path) as program:
        for file, text in FILES.items():
            (tmp_path / file).write_text(text, encoding="utf-8")
        yield program.folder


def test_the_test_passes(folder: Path) -> None:
    assert list(FILES) == ["reviews.py", "test_reviews.py"]
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:schemathesis"]
    command = [sys.executable, "-m", "pytest", *options, "test_reviews.py"]

    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_entry_point_is_what_is_written(folder: Path) -> None:
    plan = plan_target("reviews:app", app_dir=folder)

    assert [function.name for function in plan.functions] == ["front", "Archive"]
    assert plan.functions[0].entry_point == BLOCKS[1]
    assert plan.functions[0].memory_mb == 1024


def test_a_config_file_may_say_it(folder: Path) -> None:
    [text] = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert yaml.safe_load(text)
    (folder / "reviews.yaml").write_text(text, encoding="utf-8")

    program = read_program(Target(text=str(folder / "reviews.yaml"), app_dir=folder))
    [function] = program.plan_stack().functions

    assert function.deployments == ("Gateway", "Archive", "Sentiment")


def test_the_events_key_and_the_default_bound_are_those_of_the_code() -> None:
    assert f'"{shape.DEPLOYMENT}": "Sentiment"' in PAGE
    assert f"`max_ongoing_requests` ({DeploymentOptions('Any').max_ongoing_requests})" in PAGE

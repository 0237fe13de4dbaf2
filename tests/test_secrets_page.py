"""The examples of docs/secrets.md: planned, and served with the variables of a shell."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from adapter.calls import secret_stores
from adapter.serve.secrets import parse
from tests.running import Run, adapter_run

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "secrets.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SHOP, KMS = [text for kind, text in BLOCKS if kind == "python"]
[COMMAND] = [text for kind, text in BLOCKS if kind == "sh"]
[ERROR] = [text for kind, text in BLOCKS if kind == "text"]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
    *variables, command, verb, target = shlex.split(COMMAND)
    assert (command, verb) == ("adapter", "run")
    run = adapter_run(target, folder=tmp_path, **dict(one.split("=", 1) for one in variables))
    yield run
    assert run.stop() == 0


def test_variables_of_the_shell_win_and_nobody_is_asked(run: Run) -> None:
    answer = httpx2.get(run.http_url, timeout=60)

    assert answer.text.strip('"') == "me has a key of 4 characters"


def test_template_has_references_and_the_permission_to_decrypt(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(f"{KMS}\n\napp = Orders.bind()\n", encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "adapter.cli.main", "build", "shop:app"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    template = (tmp_path / "template.yaml").read_text(encoding="utf-8")

    assert """ADAPTER_SECRETS: '{"KEY":"ssm:/key"}'""" in template
    assert "Action: ssm:GetParameter" in template
    assert "Action: kms:Decrypt" in template


def test_references_of_the_table_are_read() -> None:
    cells = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    references = [
        text.replace("…", "eu-west-1:123456789012")
        for cell in cells
        for text in re.findall(r"`(.*?)`", cell)
        if text != "reference"
    ]

    assert len(references) == 6
    assert all(map(parse, references)), references


def test_numbers_and_words_are_those_of_the_code() -> None:
    assert f"after {secret_stores.LIMIT_S:g} s" in PAGE
    assert ERROR.startswith("cannot read API_KEY (ssm:/prod/api-key): AccessDeniedException: ")


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https:)([^)#]+)", PAGE):
        assert (ROOT / "docs" / target).is_file()

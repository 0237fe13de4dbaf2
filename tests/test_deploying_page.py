"""The examples of docs/deploying.md: saved under their names, and built."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.sam import sam

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = {
    text.splitlines()[0].removeprefix("# "): text
    for _, text in BLOCKS
    if re.match(r"# [\w.]+\n", text)
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def build(folder: Path, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "adapter.cli.main", "build", "shop:app", *options],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return (folder / "template.yaml").read_text(encoding="utf-8")


def without_table(folder: Path) -> None:
    """Leave out the policy for a table that another template of the page brings."""
    (folder / "shop.py").write_text(FILES["shop.py"].replace("policies=(ORDERS,), ", ""))


def test_every_file_of_the_page_is_known() -> None:
    assert list(FILES) == ["pyproject.toml", "infrastructure.yaml", "shop.py", "domain.yaml"]


def test_the_table_becomes_a_part_of_the_template_and_the_function_may_use_it(
    folder: Path,
) -> None:
    template = build(folder)

    assert "  Orders:\n    Type: AWS::DynamoDB::Table\n" in template
    assert re.search(r"dynamodb:GetItem\n.*\n +Resource: !(GetAtt|Sub) \$?\{?Orders.Arn", template)


def test_the_domain_leads_to_the_api(folder: Path) -> None:
    without_table(folder)

    template = build(folder, "--template", "domain.yaml")

    assert "      ApiId: !Ref HttpApi\n      DomainName: !Ref Domain\n" in template


@pytest.mark.sam
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["infrastructure.yaml", "domain.yaml"])
def test_what_the_page_builds_passes_the_linter(folder: Path, name: str) -> None:
    if "Orders" not in FILES[name]:
        without_table(folder)
    build(folder, "--template", name)

    sam("validate", "--lint", folder=folder)


def examples() -> list[str]:
    return [text for kind, text in BLOCKS if kind == "python" and not text.startswith("# ")]


@pytest.mark.parametrize("text", examples())
def test_options_are_written_as_the_page_says(text: str) -> None:
    from adapter import serve

    exec(f"{text}class Gateway: ...", {"serve": serve})

"""Every block of docs/migrating-from-ray-serve.md does what the page says, in its order."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_readme import Block, Reader

PAGE = Path(__file__).parent.parent / "docs" / "migrating-from-ray-serve.md"


class Mover(Reader):
    """Somebody who follows the page; files are saved under their names."""

    changes = 0
    tests = 0

    def follow(self, block: Block) -> None:
        if match := re.fullmatch(r"# (\S+\.(?:py|yaml))", block.first_line):
            (self.folder / match[1]).write_text(block.text, encoding="utf-8")
            if match[1].startswith("test_"):
                self.tests += 1
                options = ["-q", "-p", "no:cacheprovider", "-p", "no:schemathesis"]
                self.execute([sys.executable, "-m", "pytest", *options, match[1]])
        elif block.language == "diff":
            self.change(block)
        elif block.language == "text":
            assert set(block.text.splitlines()) == self.notes()
        else:
            super().follow(block)

    def change(self, block: Block) -> None:
        """Do what a diff says; what it takes away is there exactly once."""
        lines = block.text.splitlines(keepends=True)
        before, after = (
            "".join(line[1:] for line in lines if line.startswith(sign)) for sign in "-+"
        )
        program = self.folder / "reviews.py"
        text = program.read_text(encoding="utf-8")
        assert text.count(before) == 1
        program.write_text(text.replace(before, after), encoding="utf-8")
        self.changes += 1

    def notes(self) -> set[str]:
        """Return what the last `adapter build` has said."""
        lines = (line.strip() for line in self.last_output.splitlines())
        return {line for line in lines if line.startswith("note ")}


@pytest.fixture
def mover(tmp_path: Path) -> Iterator[Mover]:
    following = Mover(tmp_path)
    yield following
    for run in following.started:
        run.stop()


def blocks() -> list[Block]:
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(language, content) for language, content in found]


def test_the_page_can_be_followed_from_top_to_bottom(mover: Mover) -> None:
    for block in blocks():
        mover.follow(block)

    assert (mover.changes, mover.tests) == (2, 1)
    template = (mover.folder / "template.yaml").read_text(encoding="utf-8")
    assert "InvokeMode: RESPONSE_STREAM" in template
    assert "EnableIamAuthorizer" not in template


def test_only_import_lines_are_changed_before_it_runs() -> None:
    before = next(block for block in blocks() if block.language == "diff")

    assert re.findall(r"^[-+](?!from (?:ray|adapter)\b.* import )", before.text, re.MULTILINE) == []


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", PAGE.read_text(encoding="utf-8"))

    assert targets
    assert [target for target in targets if not (PAGE.parent / target).exists()] == []

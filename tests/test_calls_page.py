"""The examples of docs/calls.md, saved under their names and run by pytest; and its numbers."""

import re
import subprocess
import sys
from pathlib import Path

from adapter.calls import payloads, waiting
from adapter.local.events import RETRY_DELAYS_S

PAGE = (Path(__file__).parent.parent / "docs" / "calls.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = {
    first.removeprefix("# "): text
    for text in BLOCKS
    if (first := text.splitlines()[0]).startswith("# ")
}


def test_the_examples_pass(tmp_path: Path) -> None:
    assert list(FILES) == ["shop.py", "test_shop.py"]
    for file, text in FILES.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:schemathesis"]
    command = [sys.executable, "-m", "pytest", *options, "test_shop.py"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"{payloads.MAX_REQUEST:,} bytes" in PAGE
    assert f"{payloads.MAX_EVENT:,} bytes" in PAGE
    assert f"up to {waiting.LONGEST_S:g} s, at random" in PAGE
    assert f"waits up to {waiting.WITHOUT_DEADLINE_S:g} s" in PAGE
    assert (waiting.SHARE, waiting.UNREACHED) == (0.9, 3)
    assert RETRY_DELAYS_S == (1, 2)

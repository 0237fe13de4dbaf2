"""The examples of docs/testing.md, saved under their names and run by pytest."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parent.parent / "docs" / "testing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = {text.splitlines()[0].removeprefix("# "): text for _, text in BLOCKS}
TESTS = [name for name in FILES if name.startswith("test_")]


def test_every_block_is_a_file() -> None:
    assert {language for language, _ in BLOCKS} == {"python"}
    assert list(FILES) == ["shop.py", "test_classes.py", "test_handles.py", "test_shop.py"]


def test_the_examples_pass(tmp_path: Path) -> None:
    for file, text in FILES.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    # A plug-in that is installed here for other tests takes longer to load than these take.
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:schemathesis"]
    command = [sys.executable, "-m", "pytest", *options, *TESTS]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    expected = sum(FILES[name].count("\ndef test_") for name in TESTS)
    assert f"{expected} passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0

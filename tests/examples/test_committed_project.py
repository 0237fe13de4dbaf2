"""The SAM project at the top of the repository is what `adapter build` writes of the example."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
COMMAND = "adapter build text_service:app --app-dir examples"


def test_it_has_not_drifted() -> None:
    arguments = COMMAND.split()[1:]
    checked = subprocess.run(
        [sys.executable, "-m", "adapter.cli.main", *arguments, "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, f"{checked.stdout}{checked.stderr}\nRun: {COMMAND}"


def test_it_holds_no_second_copy_of_the_package_or_the_example() -> None:
    staged = [path for path in (ROOT / "layers").glob("*/*") if path.suffix in {".py", ""}]

    assert {path.name for path in staged if not path.is_symlink()} <= {".written-by-adapter"}

"""Code in an interpreter of its own, for what depends on who has imported a module first."""

import subprocess
import sys
from pathlib import Path


def lines_of(folder: Path, code: str) -> list[str]:
    """Run code in a folder, where warnings are errors; returns the lines it has written."""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout.splitlines()

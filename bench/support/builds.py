"""Commands that build: `adapter build` and `sam build`, each with all that it starts."""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.support.environment import ROOT, versions

CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")


def built_by_adapter(target: str, folder: Path, python: str) -> None:
    """Build `target`, which lies in `folder`, for the version of `python`."""
    version = versions(python)["python"].rpartition(".")[0]
    options = ("build", target, "--runtime", f"python{version}")
    run([python, "-m", "adapter.cli.main", *options], folder, python)


def built_by_sam(folder: Path, python: str) -> None:
    """Build the SAM project in `folder` from nothing. Raises FileNotFoundError without SAM CLI."""
    run([find_sam(python) or "sam", "build", "--no-cached"], folder, python)


@functools.cache
def find_sam(python: str) -> str | None:
    """SAM CLI, beside the interpreter as `make setup-sam` puts it or on PATH."""
    return shutil.which("sam", path=_search_path(python))


def run(arguments: Sequence[str], folder: Path, python: str) -> None:
    """Run a command to its end. Raises RuntimeError with what it said where it fails.

    It gets a session of its own: where this process is interrupted, all that the command has
    started ends with it.
    """
    process = subprocess.Popen(
        arguments,
        cwd=folder,
        env=_variables(python),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            output, _ = process.communicate()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} exited with {process.returncode}:\n{output}")


def _variables(python: str) -> dict[str, str]:
    return {
        # With credentials SAM CLI would ask AWS whose they are before it does anything.
        **{name: value for name, value in os.environ.items() if name not in CREDENTIALS},
        "AWS_DEFAULT_REGION": "eu-central-1",
        "PATH": _search_path(python),
        "PYTHONPATH": str(ROOT),
        "SAM_CLI_TELEMETRY": "0",
    }


def _search_path(python: str) -> str:
    # `sam build` wants an interpreter of the functions' version: this one.
    return os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", "")])

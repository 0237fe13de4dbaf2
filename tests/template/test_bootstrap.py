import os
import subprocess
from pathlib import Path

import adapter

BOOTSTRAP = Path(adapter.__file__).parent / "template" / "bootstrap"


def started(tmp_path: Path, **environ: str) -> list[str]:
    """Run the wrapper with a program in place of the interpreter; return what that saw."""
    program = tmp_path / "python"
    program.write_text('#!/bin/sh\necho "$*"\necho "$PYTHONPATH"\n')
    program.chmod(0o755)
    done = subprocess.run(
        [str(BOOTSTRAP), str(program), "/var/runtime/bootstrap.py"],
        env={"PATH": os.environ["PATH"], **environ},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_wrapper_starts_our_loop_in_place_of_the_client_of_aws(tmp_path: Path) -> None:
    arguments, _ = started(tmp_path)

    assert arguments == "-m adapter.runtime"


def test_wrapper_searches_where_the_client_of_aws_does(tmp_path: Path) -> None:
    _, path = started(
        tmp_path,
        AWS_EXECUTION_ENV="AWS_Lambda_python3.13",
        LAMBDA_TASK_ROOT="/task",
        LAMBDA_RUNTIME_DIR="/runtime",
        PYTHONPATH="/mine",
    )

    site_packages = "/opt/python/lib/python3.13/site-packages"
    assert path == f"/task:/opt/python:{site_packages}:/mine:/runtime"


def test_wrapper_runs_in_an_environment_that_says_nothing(tmp_path: Path) -> None:
    _, path = started(tmp_path)

    assert path.startswith("/var/task:/opt/python:")
    assert path.endswith(":/var/runtime")


def test_wrapper_can_be_run() -> None:
    assert os.access(BOOTSTRAP, os.X_OK)

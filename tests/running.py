"""`adapter run` as a child process, for tests that use it as a user does."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Run:
    """A running `adapter run`, with what it has said in JSON."""

    process: "subprocess.Popen[str]"
    http_url: str = ""
    lambda_url: str = ""
    records: list[dict[str, Any]] = field(default_factory=list)

    def stop(self) -> int:
        """End it as Ctrl-C does and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait()


def adapter_run(target: str, *options: str, folder: Path, **variables: str) -> Run:
    """Start `adapter run TARGET` in a folder and wait until it serves."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "adapter.cli.main", "run", target, *options),
            *("--port", "0", "--lambda-port", "0", "--output", "json"),
        ],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
    )
    run = Run(process)
    assert process.stdout is not None
    first = process.stdout.readline()
    if not first:
        pytest.fail(f"adapter run {target} ended with exit code {process.wait()}")
    started = json.loads(first)
    run.http_url, run.lambda_url = started["http_url"], started["lambda_url"]
    threading.Thread(target=_collect, args=(run,), daemon=True).start()
    return run


def _collect(run: Run) -> None:
    assert run.process.stdout is not None
    with run.process.stdout as output:
        run.records.extend(json.loads(line) for line in output)

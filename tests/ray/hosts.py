"""The program served: by Ray Serve in an environment of its own, and by `adapter run`."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.running import adapter_run
from tests.runtime.hosts import free_port

PROGRAM = Path(__file__).parent / "program"
RAY_PYTHON = Path(__file__).parent.parent.parent / ".venv-ray/bin/python"
STARTING_S = 180.0  # for Ray to start all replicas

# `serve run`, on a Ray of its own that is as small as it can be.
SERVE_RUN = """
import sys
import ray
from ray.serve.scripts import cli

ray.init(
    "local", num_cpus=2, object_store_memory=80 * 2**20, include_dashboard=False,
    namespace="serve", _temp_dir=sys.argv[1], log_to_driver=False,
)
cli(["run", "config.yaml"])
"""


@dataclass(frozen=True)
class Service:
    """The running program: a client for its HTTP server, and the folder where it marks things."""

    http: httpx2.Client
    folder: Path
    is_on_ray: bool


@contextlib.contextmanager
def on_adapter(folder: Path) -> Iterator[Service]:
    """Serve the program by `adapter run`, as it is."""
    shutil.copytree(PROGRAM, folder, dirs_exist_ok=True)
    _write_config(folder)
    run = adapter_run("config.yaml", folder=folder)
    try:
        with _client(run.http_url) as client:
            yield Service(client, folder, is_on_ray=False)
    finally:
        run.stop()


@contextlib.contextmanager
def on_ray(folder: Path) -> Iterator[Service]:
    """Serve the program by Ray Serve, its imports changed; skips where that is not installed."""
    if not RAY_PYTHON.exists():
        pytest.skip("Ray Serve is not there: run `make setup-ray`")
    for module in PROGRAM.glob("*.py"):
        text = re.sub(r"^from adapter\b", "from ray", module.read_text(), flags=re.MULTILINE)
        (folder / module.name).write_text(text)
    port = free_port()
    _write_config(folder, port)
    with _ray(folder), _client(f"http://127.0.0.1:{port}") as client:
        _wait_for(client, folder)
        yield Service(client, folder, is_on_ray=True)


def _client(url: str) -> httpx2.Client:
    return httpx2.Client(base_url=url, timeout=60)


def _write_config(folder: Path, port: int = 8000) -> None:
    """Write what depends on the run into the config file."""
    text = (PROGRAM / "config.yaml").read_text()
    text = text.replace("FOLDER", json.dumps(str(folder))).replace("port: 8000", f"port: {port}")
    (folder / "config.yaml").write_text(text)


@contextlib.contextmanager
def _ray(folder: Path) -> Iterator[None]:
    """Start Ray and end it, whose processes end with the one that has started them."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    variables |= {"PYTHONPATH": str(folder), "RAY_USAGE_STATS_ENABLED": "0"}
    # Of its own because Ray's sockets lie in it, and their paths must be short.
    with tempfile.TemporaryDirectory(prefix="ray-") as own, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [RAY_PYTHON, "-c", SERVE_RUN, own],
            cwd=folder,
            env=variables,
            stdout=log,
            stderr=log,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait()
            sys.stdout.write((folder / "log").read_text())


def _wait_for(client: httpx2.Client, folder: Path) -> None:
    end = time.monotonic() + STARTING_S
    paths = ["/library/about", "/statistics?form=nothing", "/bench/version"]
    while paths:
        if time.monotonic() > end:
            pytest.fail(f"Ray does not serve {paths} after {STARTING_S:g} s; see {folder}/log")
        with contextlib.suppress(httpx2.TransportError):
            if client.get(paths[0]).status_code == 200:
                paths.pop(0)
                continue
        time.sleep(0.2)

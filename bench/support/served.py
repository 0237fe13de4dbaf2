"""Servers as their users start them, each in processes of its own until the end of `with`."""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "bench/programs"
RAY_PYTHON = ROOT / ".venv-ray/bin/python"
SAM_IMAGE = "public.ecr.aws/lambda/python:3.11-x86_64"
STARTING_S = 180.0
ENDING_S = 30.0

# A Ray of its own, as small as it can be. What it prints goes elsewhere: standard output has a line
# when the program is served, and then one for each line of orders, which go to the ingress.
RAY = """
import importlib, json, os, sys
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
import ray
from ray import serve
ray.init("local", num_cpus=4, object_store_memory=300 * 2**20, include_dashboard=False,
         _temp_dir=sys.argv[1], log_to_driver=False)
serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[3])})
handle = serve.run(importlib.import_module(sys.argv[2]).app)
print("served", file=answers, flush=True)
for order in sys.stdin:
    print(json.dumps(handle.measure.remote(*json.loads(order)).result()), file=answers, flush=True)
"""


class MissingRival(RuntimeError):
    """It is not installed or cannot be started here; the text says which and how to get it."""


@dataclass(frozen=True)
class Server:
    """Where a server listens; `lambda_url` is Lambda's API, where there is one."""

    http_url: str
    lambda_url: str = ""

    def order(self, function: str, *args: Any) -> Any:
        """Invoke the method `measure` of a function and return its result.

        Raises RuntimeError where the function failed.
        """
        request = urllib.request.Request(
            f"{self.lambda_url}/2015-03-31/functions/{function}/invocations",
            data=json.dumps({"method": "measure", "args": args}).encode(),
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            result = json.load(answer)
            if "x-amz-function-error" in answer.headers:
                raise RuntimeError(f"{function}: {result}")
        return result


class Ray:
    """A program on Ray Serve."""

    def __init__(self, process: "subprocess.Popen[str]", http_url: str) -> None:
        self.http_url = http_url
        self._process = process

    def order(self, *args: Any) -> Any:
        """Call the method `measure` of the ingress and return its result."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(args)}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("Ray Serve has ended instead of an answer")
        return json.loads(answer)


@contextlib.contextmanager
def project(program: str) -> Iterator[Path]:
    """Enter with a folder that has a program of programs/, and the application of handlers/."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        shutil.copy(PROGRAMS / f"{program}.py", folder)
        shutil.copy(ROOT / "bench/handlers/web.py", folder)
        yield folder


@contextlib.contextmanager
def adapter_run(python: str, folder: Path, target: str) -> Iterator[Server]:
    """`adapter run`, with nothing said but the ports."""
    server = Server(f"http://127.0.0.1:{_free_port()}", f"http://127.0.0.1:{_free_port()}")
    ports = ("--port", _port(server.http_url), "--lambda-port", _port(server.lambda_url))
    command = [python, "-m", "adapter.cli.main", "run", target, *ports]
    with _running(command, folder, {"PYTHONPATH": str(ROOT)}) as started:
        started.wait_for(server.http_url)
        yield server


@contextlib.contextmanager
def uvicorn(python: str, folder: Path) -> Iterator[Server]:
    """`uvicorn`, with nothing said but the port."""
    server = Server(f"http://127.0.0.1:{_free_port()}")
    command = [python, "-m", "uvicorn", "web:app", "--port", _port(server.http_url)]
    with _running(command, folder) as started:
        started.wait_for(server.http_url)
        yield server


@contextlib.contextmanager
def ray_serve(folder: Path, module: str) -> Iterator[Ray]:
    """Ray Serve, with the program's import changed. Raises `MissingRival`."""
    if not RAY_PYTHON.exists():
        raise MissingRival("Ray Serve is not installed: `make setup-ray`")
    on_ray = folder / "ray"
    on_ray.mkdir()
    for file in folder.glob("*.py"):
        text = file.read_text(encoding="utf-8").replace("from adapter import", "from ray import")
        (on_ray / file.name).write_text(text, encoding="utf-8")
    url = f"http://127.0.0.1:{_free_port()}"
    variables = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    variables |= {"PYTHONPATH": str(on_ray), "RAY_USAGE_STATS_ENABLED": "0"}
    # Of its own because Ray's sockets lie in it, and their paths must be short.
    with (
        tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as own,
        (folder / "ray.log").open("wb") as log,
        subprocess.Popen(
            [RAY_PYTHON, "-c", RAY, own, module, _port(url)],
            cwd=on_ray,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            if process.stdout.readline() != "served\n":
                raise MissingRival(f"Ray Serve did not start: {_end_of(folder / 'ray.log')}")
            yield Ray(process, url)
        finally:
            _end(process)


@contextlib.contextmanager
def sam_local(python: str, folder: Path, target: str) -> Iterator[Server]:
    """`sam local start-api` with warm containers, of what `adapter build` writes.

    Raises `MissingRival`.
    """
    sam = _sam(python)
    shutil.copy(PROGRAMS / "requirements.txt", folder)
    build = [python, "-m", "adapter.cli.main", "build", target, "--runtime", "python3.11"]
    _run(build, folder, {"PYTHONPATH": str(ROOT)})
    _run([sam, "build"], folder, _sam_variables(python))
    url = f"http://127.0.0.1:{_free_port()}"
    options = ("--port", _port(url), "--warm-containers", "EAGER", "--skip-pull-image")
    command = [sam, "local", "start-api", *options]
    with _running(command, folder, _sam_variables(python), name="sam") as started:
        started.wait_for(url)
        yield Server(url)


def _sam(python: str) -> str:
    sam = shutil.which("sam", path=_path(python))
    if sam is None:
        raise MissingRival("AWS SAM CLI is not installed: `make setup-sam`")
    found = [shutil.which("docker") is not None]
    if found[0]:
        inspect = ["docker", "image", "inspect", SAM_IMAGE]
        found.append(subprocess.run(inspect, capture_output=True, check=False).returncode == 0)
    if not all(found):
        raise MissingRival(
            "sam local has no container engine with the Lambda base image: tests/e2e/docker/start",
        )
    if shutil.which("python3.11", path=_path(python)) is None:
        raise MissingRival("sam build needs a python3.11 beside that base image")
    return sam


def _sam_variables(python: str) -> dict[str, str | None]:
    # With credentials SAM CLI would ask AWS whose they are before it does anything.
    ours: dict[str, str | None] = {name: None for name in os.environ if name.startswith("AWS_")}
    return ours | {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "PATH": _path(python),
        "SAM_CLI_TELEMETRY": "0",
    }


def _path(python: str) -> str:
    beside = (str(Path(python).parent), str(Path(sys.executable).parent))
    return os.pathsep.join([*beside, os.environ.get("PATH", "")])


def _run(command: Sequence[str], folder: Path, variables: dict[str, Any]) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=_merged(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-500:]
        raise MissingRival(f"`{' '.join(command[:3])}` failed: {said}")


@dataclass(frozen=True)
class _Started:
    process: "subprocess.Popen[bytes]"
    log: Path

    def wait_for(self, url: str) -> None:
        """Wait until it answers a request, whatever it answers."""
        end = time.monotonic() + STARTING_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise MissingRival(f"it ended at once: {_end_of(self.log)}")
            try:
                urllib.request.urlopen(f"{url}/items/7", timeout=60).close()
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise MissingRival(f"it does not answer after {STARTING_S:g} s: {_end_of(self.log)}")


@contextlib.contextmanager
def _running(
    command: Sequence[str],
    folder: Path,
    variables: dict[str, Any] | None = None,
    *,
    name: str = "log",
) -> Iterator[_Started]:
    log = folder / f"{name}.txt"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            cwd=folder,
            env=_merged(variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield _Started(process, log)
        finally:
            _end(process)


def _end(process: "subprocess.Popen[Any]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(ENDING_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _merged(variables: dict[str, Any]) -> dict[str, str]:
    found = {**os.environ, **variables}
    return {name: value for name, value in found.items() if value is not None}


def _end_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return " ".join(lines[-3:])[-500:]


def _free_port() -> int:
    """Find a port that the kernel gives nobody else: a server may take a while to listen."""
    while True:
        port = random.randrange(10_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def _port(url: str) -> str:
    return url.rpartition(":")[2]


__all__ = [
    "MissingRival",
    "Ray",
    "Server",
    "adapter_run",
    "project",
    "ray_serve",
    "sam_local",
    "uvicorn",
]

"""SAM CLI as a user runs it: `sam build`, and `sam local` in a container engine."""

import contextlib
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.hosts import free_port

# Where handles look for other functions in a container of `sam local`; see calls/endpoint.py.
LAMBDA_PORT = 3001
LISTENING_S = 60.0  # for SAM CLI to listen
_NO_ENGINE = "no container engine with the Lambda base image: run tests/e2e/docker/start"


def require(found: object, reason: str) -> None:
    """Skip the test on a laptop without a real part; with CI=true its absence is a failure."""
    if not found and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if not found:
        pytest.skip(reason)


def sam_path() -> str:
    """Find SAM CLI beside the running Python."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = shutil.which("sam", path=path)
    require(found, "sam is not there: run `make setup-sam`")
    return str(found)


def sam_environment() -> dict[str, str]:
    """Return the environment for SAM CLI: with AWS keys it would ask AWS whose they are."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # `sam build` looks for the runtime's Python and its pip.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "AWS_DEFAULT_REGION": "eu-west-1", "PATH": path, "SAM_CLI_TELEMETRY": "0"}


def require_engine() -> None:
    """Skip the test where no container engine has the Lambda base image."""
    require(shutil.which("docker"), _NO_ENGINE)
    image = ["docker", "image", "inspect", "public.ecr.aws/lambda/python:3.11-x86_64"]
    base = subprocess.run(image, capture_output=True, check=False)
    require(base.returncode == 0, _NO_ENGINE)


def sam(*arguments: str, folder: Path) -> str:
    """Run SAM CLI to its end; a failure shows all it said."""
    done = subprocess.run(
        [sam_path(), *arguments],
        cwd=folder,
        env=sam_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@contextlib.contextmanager
def local_api(project: Path, folder: Path) -> Iterator[str]:
    """Build a project and serve it in containers: its HTTP API, and Lambda for its handles."""
    gateway = _bridge_address()
    build = folder / "build"
    sam("build", "--build-dir", str(build), "--no-cached", folder=project)
    template = ["--template", str(build / "template.yaml"), "--skip-pull-image"]
    # The bridge's address: containers reach it, the network does not.
    lambda_ = ["local", "start-lambda", *template, "--host", gateway, "--port", str(LAMBDA_PORT)]
    port = free_port()
    http = ["local", "start-api", *template, "--port", str(port)]
    hosts = ["--add-host", "host.docker.internal:host-gateway", "--warm-containers", "LAZY"]
    lambda_log, api_log = folder / "start-lambda.log", folder / "start-api.log"
    with (
        _running([*lambda_, *hosts], project, lambda_log) as lambda_process,
        _running([*http, *hosts], project, api_log) as api_process,
    ):
        _wait_for(lambda_process, (gateway, LAMBDA_PORT), lambda_log)
        _wait_for(api_process, ("127.0.0.1", port), api_log)
        yield f"http://127.0.0.1:{port}"


def _bridge_address() -> str:
    """Return the address by which containers reach this machine.

    An engine that finds its bridge from an earlier one does not name the gateway; it is the first
    address of the network.
    """
    require_engine()
    query = "{{(index .IPAM.Config 0).Subnet}}"
    command = ["docker", "network", "inspect", "bridge", "--format", query]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    require(found.returncode == 0, _NO_ENGINE)
    return str(next(ipaddress.ip_network(found.stdout.strip()).hosts()))


@contextlib.contextmanager
def _running(
    arguments: list[str],
    folder: Path,
    log: Path,
) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("w+b") as output:
        process = subprocess.Popen(
            [sam_path(), *arguments],
            cwd=folder,
            env=sam_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
            output.seek(0)
            sys.stdout.write(output.read().decode())


def _wait_for(process: "subprocess.Popen[bytes]", address: tuple[str, int], log: Path) -> None:
    end = time.monotonic() + LISTENING_S
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(address, 1):
            return
        if time.monotonic() > end:
            pytest.fail(f"sam does not listen on {address} after {LISTENING_S:g} s; see {log}")
        time.sleep(0.1)
    pytest.fail(f"sam ended with exit code {process.returncode}; see {log}")

"""Two hosts of the Runtime API, ours and AWS's emulator, and two runtimes that they can start.

Every combination is reached the same way: Lambda's Invoke API over HTTP.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapter.local.log import Log
from adapter.local.server import LocalServer, ServerSettings
from adapter.loop_thread import LoopThread
from adapter.plan.values import ApplicationPlan, FunctionPlan

OURS = (sys.executable, "-m", "adapter.runtime")
AWS = (sys.executable, "-m", "awslambdaric", "app.handler")
RUNTIMES = {"our loop": OURS, "awslambdaric": AWS}


@dataclass(frozen=True)
class Result:
    """What an invocation gave: the payload, and the function error where there was one."""

    payload: Any
    error: str | None


@dataclass(frozen=True)
class Host:
    """A running function."""

    url: str
    name: str

    def post(self, event: Any) -> bytes:
        """Invoke the function and return what it answered, as it is."""
        url = f"{self.url}/2015-03-31/functions/{self.name}/invocations"
        request = urllib.request.Request(url, data=json.dumps(event).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            body: bytes = answer.read()
        return body

    def invoke(self, event: Any) -> Result:
        """Invoke the function and wait. A function error has status 200, a failed init may not."""
        url = f"{self.url}/2015-03-31/functions/{self.name}/invocations"
        request = urllib.request.Request(url, data=json.dumps(event).encode())
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                payload = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                payload = json.loads(error.read())
        failed = isinstance(payload, dict) and "errorType" in payload
        return Result(payload, payload["errorType"] if failed else None)


@contextlib.contextmanager
def local_host(source: str, command: tuple[str, ...], app_dir: Path) -> Iterator[Host]:
    """Run a function on `adapter run`'s server."""
    function = FunctionPlan(
        name="Probe",
        deployment="Probe",
        application="default",
        is_ingress=True,
        folder="probe",
        logical_id="Probe",
        entry_point=source,
    )
    plan = ApplicationPlan(
        name="default",
        target="probe:app",
        route_prefix="/",
        ingress="Probe",
        functions=(function,),
    )
    settings = ServerSettings(app_dir=app_dir, port=0, lambda_port=0, command=command)
    thread = LoopThread("local-host")
    server = LocalServer([plan], settings, Log(_show))
    try:
        thread.submit(server.__aenter__()).result()
        yield Host(server.lambda_url, "Probe")
        thread.submit(server.__aexit__(None, None, None)).result()
    finally:
        thread.stop()


@contextlib.contextmanager
def emulator(
    source: str,
    command: tuple[str, ...],
    folder: Path,
    *,
    app_dir: Path | None = None,
    **variables: str,
) -> Iterator[Host]:
    """Run a function on AWS's Runtime Interface Emulator; it imports from `app_dir`."""
    task_root = folder / "task"
    task_root.mkdir(exist_ok=True)
    (task_root / "app.py").write_text(source)
    address, runtime_api = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    program = [
        emulator_path(),
        *("--runtime-interface-emulator-address", address),
        *("--runtime-api-address", runtime_api),
        *command,
    ]
    with _running(
        program, task_root, address, environment(app_dir or folder, task_root, variables)
    ):
        yield Host(f"http://{address}", "function")


@contextlib.contextmanager
def concurrent_emulator(source: str, folder: Path, concurrency: int) -> Iterator[Host]:
    """Run a function under our loop on the emulator as Managed Instances do.

    That emulator wants Lambda's folders, which a mount namespace of its own gives it, and it drops
    its privileges, so Python is mounted where everybody may read it.
    """
    task_root = folder / "task"
    task_root.mkdir()
    (task_root / "app.py").write_text(source)
    script = folder / "start"
    script.write_text(_START)
    address = f"127.0.0.1:{free_port()}"
    require_namespaces()
    variables = {
        "AWS_LAMBDA_MAX_CONCURRENCY": str(concurrency),
        "LAMBDA_TASK_ROOT": "/var/task",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "RUNTIME_API": f"127.0.0.1:{free_port()}",
        "TASK": str(task_root),
        **python_in_a_namespace(),
    }
    program = ["unshare", "--mount", "sh", str(script), emulator_path(), address]
    with _running(program, task_root, address, environment(folder, task_root, variables)):
        yield Host(f"http://{address}", "function")


def python_in_a_namespace() -> dict[str, str]:
    """Say to a script where this Python is installed, and which program it is there."""
    return {"BASE": sys.base_prefix, "PYTHON": f"bin/{Path(sys.executable).resolve().name}"}


@contextlib.contextmanager
def _running(
    program: list[str],
    folder: Path,
    address: str,
    variables: dict[str, str],
) -> Iterator[None]:
    """Run the emulator until it is done with; pytest shows its log where the test fails."""
    with (folder / "emulator.log").open("w+b") as log:
        process = subprocess.Popen(
            program,
            cwd=folder,
            env=variables,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_until_it_listens(process, address)
            yield
        finally:
            process.terminate()
            process.wait()
            log.seek(0)
            _show(log.read().decode())


_START = """set -e
mount -t tmpfs none /opt
mkdir /opt/base
mount --bind "$BASE" /opt/base
mount --bind "$TASK" /mnt
mount -t tmpfs none /var
mkdir /var/task
cp /mnt/app.py /var/task
cat > /opt/bootstrap <<'END'
#!/bin/sh
export LD_LIBRARY_PATH=/opt/base/lib
exec "/opt/base/$PYTHON" -m adapter.runtime
END
chmod +x /opt/bootstrap
cd /var/task
exec "$1" --runtime-interface-emulator-address "$2" \\
  --runtime-api-address "$RUNTIME_API" /opt/bootstrap app.handler
"""


def require_namespaces() -> None:
    """Skip, or fail under CI, where mounting needs rights that we lack."""
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0:
        return
    reason = "a mount namespace of its own needs root on Linux"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _show(text: str) -> None:
    sys.stdout.write(f"{text}\n")  # pytest shows it where the test fails


def environment(app_dir: Path, task_root: Path, more: dict[str, str]) -> dict[str, str]:
    """Return what Lambda tells a function, over this process's own variables, and `more`."""
    path = os.pathsep.join([str(app_dir), os.environ.get("PYTHONPATH", "")])
    return {
        **os.environ,
        "AWS_REGION": "eu-west-1",
        "AWS_LAMBDA_FUNCTION_NAME": "Probe",
        "LAMBDA_TASK_ROOT": str(task_root),
        "PYTHONPATH": path.rstrip(os.pathsep),
        "_HANDLER": "app.handler",
        **more,
    }


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_until_it_listens(process: "subprocess.Popen[bytes]", address: str) -> None:
    """Wait for a server; fails the test where its process ends instead."""
    host, _, port = address.partition(":")
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
    pytest.fail(f"the emulator ended with exit code {process.returncode}")


def emulator_path() -> str:
    """Find the emulator inside the SAM CLI's environment; without it the test cannot run."""
    sam = shutil.which("sam", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    machine = {"aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    if sam and sys.platform == "linux":
        lib = Path(sam).resolve().parent.parent / "lib"
        pattern = f"python*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}"
        for found in lib.glob(pattern):
            return str(found)
    reason = "the Runtime Interface Emulator is not there: run `make setup-sam` (Linux only)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)

"""One execution environment: a child process that a runtime client serves in, as Lambda starts it.

Nothing of a contender is ever loaded into the process that measures.
"""

import contextlib
import functools
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.support.runtime_api import FakeRuntimeApi, Served

WEB_ADAPTER = "Lambda Web Adapter + uvicorn"
NO_WEB_ADAPTER = (
    "AWS's Lambda Web Adapter, which no package registry has; `--web-adapter PATH` measures it"
)
ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("awslambdaric", "mangum", "fastapi", "starlette", "pydantic", "uvicorn", "boto3")
VERSIONS = f"""
import importlib.metadata, json, platform
packages = {{name: importlib.metadata.version(name) for name in {PACKAGES!r}}}
print(json.dumps({{"python": platform.python_version(), **packages}}))
"""


@dataclass(frozen=True)
class Contender:
    """A runtime client with a handler.

    `handler` is a module of bench/handlers and its attribute. `source` is the checkout that
    `adapter` is imported from, and `options` go to the interpreter.
    """

    name: str
    client: tuple[str, ...]
    handler: str
    source: Path = ROOT
    options: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


def ours(handler: str, name: str = "adapter", **settings: Any) -> Contender:
    """The project's own loop."""
    return Contender(name, ("-m", "adapter.runtime"), handler, **settings)


def rival(handler: str, name: str = "awslambdaric", **settings: Any) -> Contender:
    """AWS's client, with the handler on the command line as on Lambda."""
    return Contender(name, ("-m", "awslambdaric", _module_path(handler)), handler, **settings)


def web_adapter(program: Path) -> Contender:
    """AWS's Lambda Web Adapter, in front of uvicorn with the FastAPI application."""
    client = ("-m", "bench.handlers.behind_web_adapter", str(program))
    return Contender(WEB_ADAPTER, client, "web.app")


@functools.cache
def versions(python: str) -> dict[str, str]:
    """What the contenders are made of. Raises RuntimeError where something is missing."""
    done = subprocess.run([python, "-c", VERSIONS], capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise RuntimeError(f"{python} needs the packages of requirements/dev.txt; it said: {said}")
    found: dict[str, str] = json.loads(done.stdout)
    return found


class Environment:
    """A running contender with a Runtime API of its own.

    `started` is when its process was asked for, in seconds of `time.monotonic`.
    """

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        api: FakeRuntimeApi,
        started: float,
    ) -> None:
        self.api = api
        self.started = started
        self._process = process

    def serve(self, events: list[bytes], *, keep_bodies: bool = True) -> list[Served]:
        """Serve a batch; see `FakeRuntimeApi.serve`."""
        return self.api.serve(events, keep_bodies=keep_bodies, lives=self._lives)

    def _lives(self) -> bool:
        return self._process.poll() is None

    def wait_until_ready(self, polls: int = 1, timeout_s: float = 120.0) -> list[float]:
        """Wait for first polls; returns the seconds from the start of the process to each."""
        end = time.monotonic() + timeout_s
        while len(self.api.polls) < polls:
            if not self._lives() or self.api.init_error or time.monotonic() > end:
                raise RuntimeError(f"no first poll; init error: {self.api.init_error!r}")
            time.sleep(0.002)
        return [polled - self.started for polled in sorted(self.api.polls)]

    def cpu_seconds(self) -> float:
        """Processor time of its processes since their start, with all threads, ended ones too.

        Linux names a process's clock by its id: clock_getcpuclockid(3).
        """
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self.processes())

    def memory_mb(self) -> float:
        """Proportional set size of all its processes: shared pages are shared out."""
        return sum(_kb(pid, "smaps_rollup", "Pss") for pid in self.processes()) / 1024

    def processes(self) -> list[int]:
        """The process and those it forked."""
        return [pid for pid in _pids() if _group(pid) == self._process.pid]

    def reset_peak(self) -> float:
        """Forget the peak of resident memory; returns what is resident, in MB."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5", encoding="ascii")
        return _kb(self._process.pid, "status", "VmRSS") / 1024

    def peak_mb(self) -> float:
        """Most memory that was resident since `reset_peak`."""
        return _kb(self._process.pid, "status", "VmHWM") / 1024

    def end(self) -> int:
        """End it as a closing environment does: SIGTERM, so that our loop may finish."""
        self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(10)
        return self.kill()

    def kill(self) -> int:
        """End all its processes at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()


@contextlib.contextmanager
def running(
    contender: Contender,
    python: str,
    *,
    pinned: bool = True,
    spins: bool = False,
    output: bool = True,
) -> Iterator[Environment]:
    """Start a contender in an empty folder.

    `pinned` keeps it to the last CPU, see `pinned_apart`; `spins` is the Runtime API's, and
    `output` shows what it says.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as closing:
        api = FakeRuntimeApi(spins=spins)
        closing.callback(api.close)
        started = time.monotonic()
        process = subprocess.Popen(
            [python, *contender.options, *contender.client],
            cwd=folder,
            env=_variables(contender, python, api.address),
            stdout=subprocess.DEVNULL,
            stderr=None if output else subprocess.DEVNULL,
            start_new_session=True,
        )
        environment = Environment(process, api, started)
        closing.callback(environment.kill)
        if pinned and len(CPUS) > 1:
            os.sched_setaffinity(process.pid, {CPUS[-1]})
        yield environment


CPUS = sorted(os.sched_getaffinity(0))


@contextlib.contextmanager
def pinned_apart() -> Iterator[None]:
    """Keep this process, and so the Runtime API, off the CPU that the contenders run on."""
    if len(CPUS) > 1:
        os.sched_setaffinity(0, set(CPUS[:-1]))
    try:
        yield
    finally:
        os.sched_setaffinity(0, set(CPUS))


def _module_path(handler: str) -> str:
    return f"bench/handlers/{handler}"


def _variables(contender: Contender, python: str, address: str) -> dict[str, str]:
    version = versions(python)["python"].rpartition(".")[0]
    return {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",  # 3.12 and later: a thread per poll
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/bench",
        "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
        "AWS_LAMBDA_RUNTIME_API": address,
        "AWS_REGION": "eu-west-1",
        "LANG": "en_US.UTF-8",
        "LAMBDA_TASK_ROOT": str(ROOT),
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join(dict.fromkeys([str(contender.source), str(ROOT)])),
        "TZ": ":UTC",
        "_HANDLER": _module_path(contender.handler),
        **contender.variables,
    }


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def _kb(pid: int, file: str, name: str) -> int:
    for line in Path(f"/proc/{pid}/{file}").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise LookupError(f"/proc/{pid}/{file} says nothing of {name}")

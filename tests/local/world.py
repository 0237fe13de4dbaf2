"""Small functions, a server that runs them, and ways to wait for them without sleeping."""

import asyncio
import contextlib
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import httpx2
from botocore.config import Config

from adapter.local.environment import Environment, Launch
from adapter.local.function import Capacity, LocalFunction
from adapter.local.invocation import Answer, Invocation, function_arn
from adapter.local.log import Log
from adapter.local.server import RUNTIME, LocalServer, ServerSettings
from adapter.local.variables import function_variables
from adapter.plan.values import ApplicationPlan, FunctionPlan

AWS_RUNTIME = (sys.executable, "-m", "awslambdaric", "app.handler")

ECHO = "def handler(event, context):\n    return event\n"
PID = "import os\n\ndef handler(event, context):\n    return os.getpid()\n"
CRASH = "import os\n\ndef handler(event, context):\n    os._exit(3)\n"
RAISE = "def handler(event, context):\n    raise KeyError('missing')\n"
STREAM = """
import asyncio, os, time

class Handler:
    async def serve(self, event, context, responder):
        stream = await responder.stream("text/plain")
        for piece in event.get("pieces", ["a", "b"]):
            await stream.write(piece.encode())
        match event.get("then"):
            case "raise":
                raise KeyError("missing")
            case "exit":
                os._exit(3)
            case "wait":
                print("waiting", flush=True)
                try:
                    await asyncio.Event().wait()
                finally:
                    print("ended", flush=True)
            case "block":
                time.sleep(60)
        await stream.end()

    def __call__(self, event, context):
        raise NotImplementedError

handler = Handler()
"""
GATED = """
import os

def handler(event, context):
    if gate := event.get("gate"):
        open(gate).read()
    return os.getpid()
"""


def function_plan(source: str = ECHO, *, name: str = "Echo", **settings: Any) -> FunctionPlan:
    """Plan a function whose `app.py` is `source`."""
    return FunctionPlan(
        name=name,
        deployment=name,
        application="default",
        is_ingress=settings.pop("is_ingress", True),
        folder=name.lower(),
        logical_id=name,
        entry_point=source,
        **settings,
    )


def application_plan(*functions: FunctionPlan, **settings: Any) -> ApplicationPlan:
    """Plan an application with the first function as its ingress."""
    return ApplicationPlan(
        **{
            "name": "default",
            "target": "module:app",
            "route_prefix": "/",
            "ingress": functions[0].name,
            "functions": functions,
            **settings,
        },
    )


class Records:
    """A log that keeps what it is told, as the objects of `--output json`."""

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []
        self.log = Log(self._write, as_json=True)
        self._changed = asyncio.Condition()

    def _write(self, line: str) -> None:
        self.objects.append(json.loads(line))
        asyncio.get_running_loop().create_task(self._notify())

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the objects of a kind."""
        return [record for record in self.objects if record["type"] == kind]

    async def wait_for(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until there are `count` objects of a kind."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.of(kind)) >= count)
        return self.of(kind)


class Gate:
    """Holds a function: its handler reads a named pipe that the test has not closed yet."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / f"gate-{uuid.uuid4().hex}")
        os.mkfifo(self.path)

    @contextlib.asynccontextmanager
    async def holding(self) -> AsyncIterator[None]:
        """Wait until a handler has reached the gate, and let it pass at the end."""
        with await asyncio.to_thread(open, self.path, "w"):
            yield


class Served:
    """A running server and its clients."""

    def __init__(self, server: LocalServer, records: Records) -> None:
        self.server = server
        self.records = records
        self.http = httpx2.AsyncClient(base_url=server.http_url, timeout=30)

    @cached_property
    def client(self) -> Any:
        """A boto3 client that tries once."""
        return boto3.client(
            "lambda",
            endpoint_url=self.server.lambda_url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}),
        )

    async def invoke(self, name: str = "Echo", payload: Any = None, **more: Any) -> dict[str, Any]:
        """Invoke with boto3; `Payload` is read and parsed."""
        event = json.dumps(payload if payload is not None else {})
        return await asyncio.to_thread(self._invoke, FunctionName=name, Payload=event, **more)

    def _invoke(self, **call: Any) -> dict[str, Any]:
        answer = self.client.invoke(**call)
        text = answer["Payload"].read()
        return {**answer, "Payload": json.loads(text) if text else None}

    async def close(self) -> None:
        """Close both clients."""
        await self.http.aclose()
        if "client" in vars(self):
            self.client.close()


@contextlib.asynccontextmanager
async def serving(*plans: ApplicationPlan, **settings: Any) -> AsyncIterator[Served]:
    """Serve plans on free ports."""
    records = Records()
    given = ServerSettings(**{"app_dir": Path.cwd(), "port": 0, "lambda_port": 0, **settings})
    async with LocalServer(plans, given, records.log) as server:
        served = Served(server, records)
        try:
            yield served
        finally:
            await served.close()


@contextlib.asynccontextmanager
async def running(
    plan: FunctionPlan,
    folder: Path,
    *,
    capacity: Capacity | None = None,
    **launch: Any,
) -> AsyncIterator[tuple[LocalFunction, Records]]:
    """Run one function without a server in front."""
    records = Records()
    made = launch_of(plan, folder, **launch)
    function = LocalFunction(plan, made, log=records.log, capacity=capacity)
    function.start()
    try:
        yield function, records
    finally:
        await function.close()


def launch_of(plan: FunctionPlan, folder: Path, **settings: Any) -> Launch:
    """Write a plan's entry point down and say how to start it."""
    (folder / "app.py").write_text(plan.entry_point)
    return Launch(
        **{
            "name": plan.name,
            "command": RUNTIME,
            "variables": variables_of(plan, folder),
            "task_root": folder,
            "timeout_s": plan.timeout_s,
            "init_limit_s": 10,
            **settings,
        },
    )


def variables_of(plan: FunctionPlan, folder: Path, **settings: Any) -> Mapping[str, str]:
    """Return the variables of a function in `folder`."""
    return function_variables(
        plan,
        **{
            "task_root": folder,
            "app_dir": folder,
            "lambda_url": "http://127.0.0.1:1",
            "aliases": {},
            **settings,
        },
    )


def invocation(event: Any = None, **settings: Any) -> Invocation:
    """Make an invocation of an event."""
    payload = json.dumps(event if event is not None else {}).encode()
    return Invocation(payload=payload, function_arn=function_arn("Echo"), **settings)


def result_of(answer: Answer) -> Any:
    """Read the JSON of an answer."""
    return json.loads(answer.payload)


def only(environments: frozenset[Environment]) -> Environment:
    """Return the one environment there is."""
    (environment,) = environments
    return environment


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop run until a condition holds."""
    while not condition():  # noqa: ASYNC110 - what it waits for tells nobody
        await asyncio.sleep(0)


def is_alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for_end(pids: Iterable[int]) -> None:
    """Wait until processes that are no children of ours have ended; pytest's timeout is the limit.

    What kills them does not wait for them either.
    """
    for pid in pids:
        while is_alive(pid):
            os.sched_yield()

"""The life of an environment, from the start of its process to the end."""

import asyncio
import re
from pathlib import Path

import pytest

from adapter.runtime.timing import InitTimes
from tests.runtime.child import Child, child

GATEWAY = """
import asyncio
from contextlib import asynccontextmanager
from fastapi import FastAPI
from adapter import serve
from adapter.function import entry_point

@asynccontextmanager
async def lifespan(app):
    await asyncio.sleep(0.01)
    yield
    print("lifespan is over")

async def stay():
    try:
        await asyncio.Event().wait()
    finally:
        print("task is over")

@serve.deployment
@serve.ingress(FastAPI(lifespan=lifespan))
class Gateway:
    async def __del__(self):
        await asyncio.sleep(0)
        print("instance is over")

    async def wait(self):
        print("waiting")
        try:
            await asyncio.Event().wait()
        finally:
            print("cancelled")

    async def leave(self):
        self.task = asyncio.create_task(stay())
        await asyncio.sleep(0)  # a task that never began would end without a word

    def block(self):
        print("blocking")

handler = entry_point(Gateway)
"""


def call(method: str) -> dict[str, str]:
    return {"method": method}


async def stopped(environment: Child) -> list[str]:
    """Terminate it and return what it says from then on, once it has ended in order."""
    said = len(environment.said)
    environment.terminate()
    assert await environment.exit_code() == 0
    await environment.until("instance is over")
    return environment.said[said:]


def test_sigterm_ends_an_environment_that_waits(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with child(GATEWAY, tmp_path) as environment:
            await environment.api.poll()
            assert await stopped(environment) == ["lifespan is over", "instance is over"]

    asyncio.run(scenario())


def test_sigterm_cancels_what_is_in_flight_first(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with child(GATEWAY, tmp_path) as environment:
            (await environment.api.poll()).give(call("wait"))
            await environment.until("waiting")
            assert await stopped(environment) == [
                "cancelled",
                "lifespan is over",
                "instance is over",
            ]
            assert environment.api.posts.empty()

    asyncio.run(scenario())


def test_what_an_invocation_left_behind_is_cancelled_in_the_end(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with child(GATEWAY, tmp_path, ADAPTER_BACKGROUND="ignore") as environment:
            (await environment.api.poll()).give(call("leave"))
            await environment.api.post()
            await environment.api.poll()
            assert await stopped(environment) == [
                "lifespan is over",
                "instance is over",
                "task is over",
            ]

    asyncio.run(scenario())


def test_sigterm_ends_an_environment_of_many_invocations(tmp_path: Path) -> None:
    async def scenario() -> None:
        several = {"AWS_LAMBDA_MAX_CONCURRENCY": "3"}
        async with child(GATEWAY, tmp_path, **several) as environment:
            for number in range(2):
                (await environment.api.poll()).give(call("wait"), f"id-{number}")
            await environment.api.poll()
            await environment.until("waiting", times=2)
            said = await stopped(environment)
            assert said[-2:] == ["lifespan is over", "instance is over"]
            assert environment.said.count("cancelled") == 2

    asyncio.run(scenario())


def test_the_parts_of_init_are_logged_and_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        level = {"AWS_LAMBDA_LOG_LEVEL": "INFO"}
        async with child(GATEWAY, tmp_path, **level) as environment:
            first = await environment.api.poll()
            assert re.fullmatch(
                r"imports=[\d.]+;(constructor=[\d.]+;)?lifespan=[\d.]+",
                first.head.headers["adapter-init"],
            )
            await environment.until("init: imports ")
            first.give(call("block"))
            await environment.api.post()
            assert "adapter-init" not in (await environment.api.poll()).head.headers

    asyncio.run(scenario())


class Timed:
    def __init__(self) -> None:
        self.init_ms = {"constructor": 3.04, "lifespan": 12.36, "check_health": 0.01}


@pytest.mark.parametrize(
    ("handler", "header", "text"),
    [
        (
            Timed(),
            "imports=134.6;constructor=3.0;lifespan=12.4",
            "init: imports 135 ms, constructor 3 ms, lifespan 12 ms",
        ),
        (test_sigterm_ends_an_environment_that_waits, "imports=150.0", "init: imports 150 ms"),
    ],
)
def test_imports_are_what_the_handler_does_not_say(
    handler: object,
    header: str,
    text: str,
) -> None:
    times = InitTimes.of(handler, 150.0)

    assert times.header() == {"adapter-init": header}
    assert times.text() == text


CHECKED = """
import asyncio
import threading
from adapter import serve
from adapter.function import entry_point

@serve.deployment(health_check_period_s=0.001, health_check_timeout_s=0.2)
class Model:
    def __init__(self):
        self.failure = None

    def check_health(self):
        if self.failure == "stuck":
            threading.Event().wait()
        if self.failure is not None:
            raise LookupError(self.failure)

    async def __del__(self):
        print("instance is over")

    def fail(self, failure):
        self.failure = failure
        return "answered"

    async def wait(self):
        print("waiting")
        await asyncio.sleep(0.5)  # the other invocation fails meanwhile
        return "waited"

handler = entry_point(Model)
"""


@pytest.mark.parametrize("failure", ["no model", "stuck"])
def test_an_unhealthy_environment_answers_and_ends(tmp_path: Path, failure: str) -> None:
    async def scenario() -> None:
        async with child(CHECKED, tmp_path) as environment:
            (await environment.api.poll()).give({"method": "fail", "args": [failure]})
            assert (await environment.api.post()).received == b'"answered"'
            assert await environment.exit_code() == 1
            await environment.until("Model: check_health failed")
            assert environment.said[-1] == "instance is over"
            assert environment.api.polls.empty()

    asyncio.run(scenario())


def test_what_is_in_flight_in_an_unhealthy_environment_is_finished(tmp_path: Path) -> None:
    async def scenario() -> None:
        several = {"AWS_LAMBDA_MAX_CONCURRENCY": "3"}
        async with child(CHECKED, tmp_path, **several) as environment:
            polls = [await environment.api.poll() for _ in range(3)]
            polls[0].give({"method": "wait"}, "slow")
            await environment.until("waiting")
            polls[1].give({"method": "fail", "args": ["no model"]}, "fast")
            assert (await environment.api.post()).received == b'"answered"'
            assert (await environment.api.post()).received == b'"waited"'
            assert await environment.exit_code() == 1

    asyncio.run(scenario())


LEAVING = """
import asyncio
from adapter.function import entry_point

async def send(mail):
    await asyncio.sleep(0.05)
    print("sent", mail)

class Model:
    async def leave(self):
        self.task = asyncio.create_task(send("mail"))
        return "answered"

handler = entry_point(Model)
"""


def test_what_an_invocation_left_behind_is_done_before_the_next(tmp_path: Path) -> None:  # row 15
    async def scenario() -> None:
        async with child(LEAVING, tmp_path) as environment:
            (await environment.api.poll()).give(call("leave"))
            assert (await environment.api.post()).received == b'"answered"'
            await environment.api.poll()
            assert environment.said == ["sent mail"]

    asyncio.run(scenario())


def test_what_an_invocation_left_behind_is_named_where_nothing_waits(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with child(LEAVING, tmp_path, ADAPTER_BACKGROUND="report") as environment:
            (await environment.api.poll()).give(call("leave"))
            await environment.api.post()
            await environment.api.poll()
            await environment.until("left behind by the invocation")
            assert "sent mail" not in environment.said

    asyncio.run(scenario())


def test_tls_is_not_loaded_for_who_does_not_use_it(tmp_path: Path) -> None:
    source = """
import sys
from fastapi import FastAPI
from adapter import lambda_handler

handler = lambda_handler(FastAPI())
import adapter.calls.client  # which has it for https alone
print("loaded:", sorted({"_ssl", "fastapi", "asyncio"} & sys.modules.keys()))
import ssl
print("then:", ssl.create_default_context().check_hostname, "_ssl" in sys.modules)
"""

    async def scenario() -> None:
        async with child(source, tmp_path) as environment:
            await environment.until("loaded: ['asyncio', 'fastapi']")
            await environment.until("then: True True")

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["provisioned-concurrency", "snap-start"])
def test_it_is_loaded_where_nobody_waits_for_the_init(tmp_path: Path, kind: str) -> None:
    source = """
import sys
print("loaded:", "_ssl" in sys.modules)
handler = print
"""

    async def scenario() -> None:
        kinds = {"AWS_LAMBDA_INITIALIZATION_TYPE": kind}
        async with child(source, tmp_path, **kinds) as environment:
            await environment.until("loaded: True")

    asyncio.run(scenario())

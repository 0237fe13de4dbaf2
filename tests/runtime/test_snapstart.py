"""From the end of init, across the snapshot, to the first invocation, with real processes."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapter import http1
from tests.http1_streams import read_body, read_head
from tests.runtime.child import child
from tests.runtime.scripted import PATIENCE_S, Poll

ON = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
HOOKS = """
import asyncio
import random
from snapshot_restore_py import register_after_restore, register_before_snapshot

random.seed(1)
first = random.random()
random.seed(1)

@register_before_snapshot
def registered_first():
    print("before: first")

async def later(text, *, mark):
    await asyncio.sleep(0)
    print(text + mark)

register_before_snapshot(later, "before: second", mark="!")
register_after_restore(later, "after: first", mark="!")
register_after_restore(print, "after: second")

def handler(event, context):
    return random.random() == first
"""


def is_restore(poll: Poll) -> bool:
    return poll.head.second == "/2018-06-01/runtime/restore/next"


@pytest.mark.parametrize("status", [200, 404])
def test_hooks_run_on_both_sides_of_the_snapshot(tmp_path: Path, status: int) -> None:
    async def scenario() -> None:
        async with child(HOOKS, tmp_path, **ON) as environment:
            restore = await environment.api.poll()
            assert is_restore(restore)
            await environment.until("before: first")
            assert environment.said == ["before: second!", "before: first"]
            restore.say(status)
            (await environment.api.poll()).give({})
            assert (await environment.api.post()).received == b"false"
            assert environment.said[2:] == ["after: first!", "after: second"]

    asyncio.run(scenario())


def test_without_snapstart_no_hook_runs(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with child(HOOKS, tmp_path) as environment:
            first = await environment.api.poll()
            assert not is_restore(first)
            first.give({})
            assert (await environment.api.post()).received == b"true"
            assert environment.said == []

    asyncio.run(scenario())


def test_a_function_without_hooks_is_restored_too(tmp_path: Path) -> None:
    source = "def handler(event, context):\n    return event\n"

    async def scenario() -> None:
        async with child(source, tmp_path, **ON) as environment:
            (await environment.api.poll()).say(200)
            (await environment.api.poll()).give([1])
            assert (await environment.api.post()).received == b"[1]"

    asyncio.run(scenario())


NUMPY = """
import numpy

numpy.random.seed(1)
first = numpy.random.random()
numpy.random.seed(1)

def handler(event, context):
    return bool(numpy.random.random() == first)
"""


def test_random_numbers_of_numpy_differ_too(tmp_path: Path) -> None:
    pytest.importorskip("numpy")

    async def scenario() -> None:
        async with child(NUMPY, tmp_path, **ON) as environment:
            (await environment.api.poll()).say(200)
            (await environment.api.poll()).give({})
            assert (await environment.api.post()).received == b"false"

    asyncio.run(scenario())


FAILING = """
from snapshot_restore_py import register_{which}

@register_{which}
def connect():
    raise LookupError("no connection")

def handler(event, context):
    raise NotImplementedError
"""


def test_a_failure_before_the_snapshot_is_a_failed_init(tmp_path: Path) -> None:
    async def scenario() -> None:
        source = FAILING.format(which="before_snapshot")
        async with child(source, tmp_path, **ON) as environment:
            post = await environment.api.post()
            assert post.head.second == "/2018-06-01/runtime/init/error"
            error_type = post.head.headers["lambda-runtime-function-error-type"]
            assert error_type == "Runtime.BeforeSnapshotError"
            assert json.loads(post.received)["errorMessage"] == "no connection"
            assert await environment.exit_code() == 64
            await environment.until("LookupError: no connection")

    asyncio.run(scenario())


def test_a_failure_after_the_restore_is_told_as_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        source = FAILING.format(which="after_restore")
        async with child(source, tmp_path, **ON) as environment:
            (await environment.api.poll()).say(200)
            post = await environment.api.post()
            assert post.head.second == "/2018-06-01/runtime/restore/error"
            error_type = post.head.headers["lambda-runtime-function-error-type"]
            assert error_type == "Runtime.AfterRestoreError"
            assert json.loads(post.received)["errorType"] == "LookupError"
            assert await environment.exit_code() == 65

    asyncio.run(scenario())


def test_a_runtime_api_that_refuses_the_restore_is_a_failed_init(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with child(HOOKS, tmp_path, **ON) as environment:
            (await environment.api.poll()).say(500)
            post = await environment.api.post()
            assert post.head.second == "/2018-06-01/runtime/init/error"
            assert "restore/next with 500" in json.loads(post.received)["errorMessage"]
            assert await environment.exit_code() == 64
            assert not any(line.startswith("after") for line in environment.said)

    asyncio.run(scenario())


CALLING = """
from adapter import serve
from adapter.function import entry_point
from snapshot_restore_py import register_after_restore, register_before_snapshot

class Caller:
    def __init__(self, other):
        register_before_snapshot(self.ask)
        register_after_restore(self.ask)
        self.other = other

    async def ask(self):
        print(await self.other.remote())
        return "asked"

handler = entry_point(Caller, serve.DeploymentHandle("Other"))
"""


@contextlib.asynccontextmanager
async def other_function() -> AsyncIterator[tuple[str, asyncio.Queue[str]]]:
    """Answer invokes with 42, and say when connections come and go."""
    connections: asyncio.Queue[str] = asyncio.Queue()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.put_nowait("opened")
        while (head := await read_head(reader)) is not None:
            await read_body(reader, head.headers)
            writer.write(http1.response_bytes(200, {}, b"42"))
        connections.put_nowait("closed")
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", connections
    finally:
        server.close()
        await server.wait_closed()


def test_a_connection_of_a_handle_does_not_outlive_the_snapshot(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with other_function() as (url, connections):
            variables = {"AWS_ENDPOINT_URL_LAMBDA": url, **ON}
            async with child(CALLING, tmp_path, **variables) as environment:
                restore = await environment.api.poll()
                async with asyncio.timeout(PATIENCE_S):
                    assert (await connections.get()) == "opened"
                    assert (await connections.get()) == "closed"
                restore.say(200)
                (await environment.api.poll()).give({"method": "ask"})
                assert (await environment.api.post()).received == b'"asked"'
                assert connections.get_nowait() == "opened"
                assert environment.said == ["42"] * 3

    asyncio.run(scenario())

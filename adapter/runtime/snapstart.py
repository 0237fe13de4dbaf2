"""SnapStart: from the end of init, across the snapshot, to the first invocation.

Lambda takes the snapshot while `/restore/next` waits, and the answer comes in each environment that
is made of it: days later, and in many at once.
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks.html
"""

import asyncio
import contextlib
import inspect
import logging
import sys
from collections.abc import Mapping
from typing import Any

from adapter.connection import Connection
from adapter.http1 import Response
from adapter.runtime import protocol
from adapter.runtime.protocol import Failure

logger = logging.getLogger("adapter.runtime")

RESTORE_NEXT = f"/{protocol.VERSION}/runtime/restore/next"
RESTORE_ERROR = f"/{protocol.VERSION}/runtime/restore/error"
# Exit codes and error types are those of AWS's own client.
BEFORE_SNAPSHOT = (64, "Runtime.BeforeSnapshotError")
AFTER_RESTORE = (65, "Runtime.AfterRestoreError")


def is_on(environ: Mapping[str, str]) -> bool:
    """Whether a snapshot is taken of this environment."""
    return environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


def cross(address: str, loop: asyncio.AbstractEventLoop) -> int:
    """Run the hooks before the snapshot, wait until it is restored, and run the hooks after.

    The hooks are those of `snapshot_restore_py`, plain or async. Returns the exit code: 0 to go on;
    64 and 65 where something failed, which is logged and told to Lambda.
    """
    try:
        _run_hooks_before(loop)
        _let_connections_go(loop)
        loop.run_until_complete(_wait(address))
    except Exception as error:  # noqa: BLE001 - also whatever the user's hooks raise
        return _fail(address, loop, protocol.INIT_ERROR, BEFORE_SNAPSHOT, error)
    try:
        _reseed()
        _run_hooks_after(loop)
    except Exception as error:  # noqa: BLE001 - whatever the user's hooks raise
        return _fail(address, loop, RESTORE_ERROR, AFTER_RESTORE, error)
    return 0


def _run_hooks_before(loop: asyncio.AbstractEventLoop) -> None:
    # Where nobody has imported it nobody has registered anything.
    if (hooks := sys.modules.get("snapshot_restore_py")) is not None:
        registered = hooks.get_before_snapshot()
        while registered:  # a hook may register another
            _call(registered.pop(), loop)


def _run_hooks_after(loop: asyncio.AbstractEventLoop) -> None:
    if (hooks := sys.modules.get("snapshot_restore_py")) is not None:
        for hook in hooks.get_after_restore():
            _call(hook, loop)


def _call(hook: tuple[Any, tuple[Any, ...], dict[str, Any]], loop: Any) -> None:
    function, args, kwargs = hook
    result = function(*args, **kwargs)
    if inspect.isawaitable(result):
        loop.run_until_complete(result)


def _let_connections_go(loop: asyncio.AbstractEventLoop) -> None:
    """Close the idle connections of handles: their peers will not be there any more."""
    if (transport := sys.modules.get("adapter.serve.transport")) is not None:
        transport.let_go(loop)
        transport.carry_on(loop)


def _reseed() -> None:
    """Make the pseudo-random numbers of the environments that share a snapshot differ."""
    for name in ("random", "numpy.random"):  # one that is imported later seeds itself
        if (module := sys.modules.get(name)) is not None:
            module.seed()


async def _wait(address: str) -> None:
    response = await _request(address, "GET", RESTORE_NEXT)
    if response.status not in (200, 404):  # 404: a Runtime API that takes no snapshots
        raise ConnectionError(f"the Runtime API answered restore/next with {response.status}")


def _fail(
    address: str,
    loop: asyncio.AbstractEventLoop,
    path: str,
    kind: tuple[int, str],
    error: Exception,
) -> int:
    code, error_type = kind
    failure = Failure.of(error)
    what = (failure.error_type, failure.message)
    logger.error("%s: %s", *what, extra={"failure": failure})
    headers = {**failure.headers(), protocol.ERROR_TYPE: error_type}
    with contextlib.suppress(OSError):
        loop.run_until_complete(_request(address, "POST", path, headers, failure.body()))
    return code


async def _request(
    address: str,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Response:
    host, _, port = address.rpartition(":")
    connection = await Connection.open(host, int(port))
    try:
        return await connection.request(method, path, {"host": address, **(headers or {})}, body)
    finally:
        connection.close()

"""From start to end of an execution environment: init, then invocation after invocation."""

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from adapter.connection import keep_freed_memory
from adapter.errors import Unhealthy
from adapter.runtime import BEGAN, logs, snapstart
from adapter.runtime.client import RuntimeApi, RuntimeApiError, RuntimeApiLost
from adapter.runtime.context import FunctionSettings
from adapter.runtime.loading import load_handler
from adapter.runtime.loop import Handler, run
from adapter.runtime.protocol import Failure
from adapter.runtime.timing import InitTimes

logger = logging.getLogger("adapter.runtime")


def main() -> int:
    """Initialise the function, then serve until the Runtime API is gone; returns the exit code."""
    try:
        address = os.environ["AWS_LAMBDA_RUNTIME_API"]
        name = os.environ["_HANDLER"]
    except KeyError as error:
        sys.stderr.write(f"error: {error} is not set; Lambda or `adapter run` starts this.\n")
        return 2
    logs.configure(os.environ)
    keep_freed_memory()
    try:
        handler = load_handler(name, os.environ.get("LAMBDA_TASK_ROOT", ""))
    except Exception as error:  # noqa: BLE001 - reported as an init error, whatever it is
        _fail_init(RuntimeApi(address), Failure.of(error))
    times = InitTimes.of(handler, (time.perf_counter() - BEGAN) * 1000)
    logger.info("%s", times.text())
    loop = getattr(handler, "loop", None) or asyncio.new_event_loop()
    try:
        if snapstart.is_on(os.environ) and (code := snapstart.cross(address, loop)):
            return code
        run(address, handler, FunctionSettings.from_environment(os.environ), loop, times.header())
    except RuntimeApiLost:
        pass  # the environment is being ended
    except Unhealthy:
        _end_unhealthy(handler, loop)
    except SystemExit as error:
        _exit_now(error.code)
    close: Callable[[], None] = getattr(handler, "close", loop.close)
    close()
    return 0


def _end_unhealthy(handler: Handler, loop: asyncio.AbstractEventLoop) -> NoReturn:
    """End the process so that Lambda starts another in its place.

    The check that failed may be stuck in a thread, which would hold up an ordinary end.
    """
    try:
        if (stop := getattr(handler, "stop", None)) is not None:
            loop.run_until_complete(stop())
    except Exception:
        logger.exception("the function did not stop in order")
    _exit_now(1)


def _fail_init(api: RuntimeApi, failure: Failure) -> NoReturn:
    what = (failure.error_type, failure.message)
    logger.error("%s: %s", *what, extra={"failure": failure})
    with contextlib.suppress(RuntimeApiError, RuntimeApiLost, OSError):
        asyncio.run(api.fail_init(failure))
    _exit_now(1)  # a thread of the failed init may still run, and would hold up an ordinary end


def _exit_now(code: object) -> NoReturn:
    """End the process as user code asked: threads that wait for our loop would hold it up."""
    if code is not None and not isinstance(code, int):
        sys.stderr.write(f"{code}\n")
        code = 1
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)

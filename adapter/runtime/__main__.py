"""`python -m adapter.runtime`: serve the function that Lambda's environment variables name."""

import asyncio
import contextlib
import logging
import os
import sys
from typing import NoReturn

from adapter.runtime import logs
from adapter.runtime.client import RuntimeApi, RuntimeApiLost
from adapter.runtime.context import FunctionSettings
from adapter.runtime.loading import load_handler
from adapter.runtime.loop import run
from adapter.runtime.protocol import Failure


def main() -> int:
    """Initialise the function, then serve until the Runtime API is gone; returns the exit code."""
    try:
        address = os.environ["AWS_LAMBDA_RUNTIME_API"]
        name = os.environ["_HANDLER"]
    except KeyError as error:
        sys.stderr.write(f"error: {error} is not set; Lambda or `adapter run` starts this.\n")
        return 2
    logs.configure(os.environ)
    api = RuntimeApi(address)
    try:
        handler = load_handler(name, os.environ.get("LAMBDA_TASK_ROOT", ""))
    except Exception as error:  # noqa: BLE001 - reported as an init error, whatever it is
        return _fail_init(api, Failure.of(error))
    function = FunctionSettings.from_environment(os.environ)
    loop = getattr(handler, "loop", None) or asyncio.new_event_loop()
    try:
        run(address, handler, function, loop)
    except RuntimeApiLost:
        pass  # the environment is being ended
    except SystemExit as error:
        _exit_now(error.code)
    if (close := getattr(handler, "close", None)) is not None:
        close()
    return 0


def _fail_init(api: RuntimeApi, failure: Failure) -> int:
    what = (failure.error_type, failure.message)
    logging.getLogger("adapter.runtime").error("%s: %s", *what, extra={"failure": failure})
    with contextlib.suppress(RuntimeApiLost):
        asyncio.run(api.fail_init(failure))
    return 1


def _exit_now(code: object) -> NoReturn:
    """End the process as user code asked: threads that wait for our loop would hold it up."""
    if code is not None and not isinstance(code, int):
        sys.stderr.write(f"{code}\n")
        code = 1
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    sys.exit(main())

"""`python -m adapter.runtime`: serve the function that Lambda's environment variables name."""

import asyncio
import contextlib
import logging
import os
import signal
import sys

from adapter.runtime import logs
from adapter.runtime.client import RuntimeApi, RuntimeApiLost
from adapter.runtime.context import FunctionSettings
from adapter.runtime.loading import load_handler
from adapter.runtime.loop import serve
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
    serving = loop.create_task(serve(address, handler, function))
    loop.add_signal_handler(signal.SIGTERM, serving.cancel)
    with contextlib.suppress(RuntimeApiLost, asyncio.CancelledError):  # it is being ended
        loop.run_until_complete(serving)
    if (close := getattr(handler, "close", None)) is not None:
        close()
    return 0


def _fail_init(api: RuntimeApi, failure: Failure) -> int:
    what = (failure.error_type, failure.message)
    logging.getLogger("adapter.runtime").error("%s: %s", *what, extra={"failure": failure})
    with contextlib.suppress(RuntimeApiLost):
        asyncio.run(api.fail_init(failure))
    return 1


if __name__ == "__main__":
    sys.exit(main())

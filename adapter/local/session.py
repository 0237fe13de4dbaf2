"""One run of the local server in the foreground: from the banner to Ctrl-C."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Sequence

from adapter.config.program import Program
from adapter.local.banner import banner, function_urls
from adapter.local.log import Log
from adapter.local.reload import reload_on_change
from adapter.local.server import LocalServer, ServerSettings
from adapter.plan.values import ApplicationPlan


async def serve_until_stopped(
    program: Program,
    plans: Sequence[ApplicationPlan],
    settings: ServerSettings,
    log: Log,
    *,
    reload: bool,
) -> None:
    """Serve the plans of a program until SIGINT or SIGTERM.

    Raises `LocalError` where the ports cannot be opened.
    """
    stop = _stop_signal()
    async with contextlib.AsyncExitStack() as exits:
        server = await exits.enter_async_context(LocalServer(plans, settings, log))
        if reload:
            await exits.enter_async_context(_reloading(server, program, log))
        _announce(server, log)
        await stop.wait()
    count = log.invocations
    served = f"{count} invocation{'' if count == 1 else 's'}"
    log.notice("stop", f"\n  served {served}", invocations=count)


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


@contextlib.asynccontextmanager
async def _reloading(
    server: LocalServer,
    program: Program,
    log: Log,
) -> AsyncIterator[None]:
    work = reload_on_change(server, program, log)
    watching = asyncio.get_running_loop().create_task(work)
    await asyncio.sleep(0)  # it sets its watch before it first waits
    try:
        yield
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


def _announce(server: LocalServer, log: Log) -> None:
    lines = banner(server.plans, server.http_url, server.lambda_url, log.style)
    log.notice(
        "start",
        "\n" + "\n".join(lines),
        http_url=server.http_url,
        lambda_url=server.lambda_url,
        function_urls=function_urls(server.plans, server.http_url),
        functions=sorted(server.functions),
    )

"""`adapter run --reload`: serve what is on disk, as soon as it can be planned."""

from collections.abc import AsyncIterator
from pathlib import Path

from adapter.errors import LocalError
from adapter.local.log import Log
from adapter.local.replan import replan
from adapter.local.server import LocalServer
from adapter.plan.values import ApplicationPlan


async def reload_on_change(server: LocalServer, app_dir: Path, log: Log) -> None:
    """Watch the Python files below `app_dir` and plan again at each change, until cancelled.

    A version that cannot be planned, because of a syntax error for example, is shown, and the one
    before goes on serving.
    """
    async for changed in _changes(app_dir):
        names = ", ".join(sorted(changed)[:3]) + (" ..." if len(changed) > 3 else "")
        log.notice("change", f"  changed  {names}", files=sorted(changed))
        try:
            server.replace([await _replan(plan, app_dir) for plan in server.plans])
        except LocalError as error:
            text = f"{error}\n  environments that are warm go on serving the version before"
            log.notice("reload_failed", text, failed=True, reason=str(error))
        else:
            log.notice("reload", "  reloaded", functions=sorted(server.functions))


async def _replan(plan: ApplicationPlan, app_dir: Path) -> ApplicationPlan:
    return await replan(
        plan.target,
        app_dir,
        name=plan.name,
        route_prefix=plan.route_prefix,
    )


def require_watchfiles() -> None:
    """Raise `LocalError` where the extra that `--reload` needs is not installed."""
    try:
        import watchfiles  # noqa: F401, PLC0415 - an optional extra
    except ImportError as error:
        raise LocalError(
            "--reload needs watchfiles, which is not installed: "
            "pip install 'serve-adapter[reload]'.",
        ) from error


async def _changes(folder: Path) -> AsyncIterator[set[str]]:
    from watchfiles import PythonFilter, awatch  # noqa: PLC0415 - an optional extra

    async for changes in awatch(folder, watch_filter=PythonFilter(), recursive=True):
        yield {str(Path(path).relative_to(folder)) for _, path in changes}

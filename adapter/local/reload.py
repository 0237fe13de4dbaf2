"""`adapter run --reload`: serve what is on disk, as soon as it can be planned."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from adapter.config.program import Program, read_program
from adapter.errors import AdapterError, LocalError, PlanFailed
from adapter.local.log import Log
from adapter.local.server import LocalServer


async def reload_on_change(server: LocalServer, program: Program, log: Log) -> None:
    """Watch a program's Python files and its config file, and plan again at each change.

    It runs until it is cancelled. A version that cannot be planned, because of a syntax error for
    example, is shown, and the one before goes on serving.
    """
    async for changed in _changes(program):
        names = ", ".join(sorted(changed)[:3]) + (" ..." if len(changed) > 3 else "")
        log.notice("change", f"  changed  {names}", files=sorted(changed))
        try:
            stack = await _read_again(program).plan_stack_on_disk()
            server.replace(stack.applications)
        except AdapterError as error:
            said = str(error) if isinstance(error, PlanFailed) else f"error: {error}"
            text = f"{said}\n  environments that are warm go on serving the version before"
            log.notice("reload_failed", text, failed=True, reason=said)
        else:
            log.notice("reload", "  reloaded", functions=sorted(server.functions))


def _read_again(program: Program) -> Program:
    """Read the config file, where there is one. What the server has begun with cannot change."""
    found = read_program(program.target)
    if found.app_dir != program.app_dir or _listening(found) != _listening(program):
        raise LocalError(
            f"{program.target.text}: another working_dir or other http_options are served when "
            "`adapter run` is started again.",
        )
    return found


def _listening(program: Program) -> object:
    return replace(program.http_options, request_timeout_s=None)  # that one the functions have


def require_watchfiles() -> None:
    """Raise `LocalError` where the extra that `--reload` needs is not installed."""
    try:
        import watchfiles  # noqa: F401, PLC0415 - an optional extra
    except ImportError as error:
        raise LocalError(
            "--reload needs watchfiles, which is not installed: "
            "pip install 'serve-adapter[reload]'.",
        ) from error


async def _changes(program: Program) -> AsyncIterator[set[str]]:
    from watchfiles import Change, PythonFilter, awatch  # noqa: PLC0415 - an optional extra

    is_python = PythonFilter()
    file = None if program.file is None else program.file.path.resolve()
    # Its folder is watched, not the file itself: editors put a new file in the place of the old.
    folders = {program.app_dir} if file is None else {program.app_dir, file.parent}

    def is_ours(change: Change, path: str) -> bool:
        if file is not None and Path(path) == file:
            return True
        return Path(path).is_relative_to(program.app_dir) and is_python(change, path)

    async for changes in awatch(*folders, watch_filter=is_ours, recursive=True):
        yield {_shown(Path(path), program.app_dir) for _, path in changes}


def _shown(path: Path, app_dir: Path) -> str:
    return str(path.relative_to(app_dir) if path.is_relative_to(app_dir) else path)

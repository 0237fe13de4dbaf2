"""Applications planned in a process each.

Several applications of one config file must not see each other's modules and variables. And after
a change on disk a server cannot plan itself: it has the old modules imported.
"""

import asyncio
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from adapter.config.plan_text import load_plan
from adapter.errors import PlanFailed
from adapter.plan.values import ApplicationPlan

_MODULE = "adapter.config.planning_process"


async def plan_in_processes(requests: Iterable[str], app_dir: Path) -> tuple[ApplicationPlan, ...]:
    """Plan what each request asks for, see `planning_process`, all at the same time.

    Modules are imported from `app_dir`. Raises `PlanFailed` with what all those processes said that
    fail, for example on a syntax error.
    """
    planning = [_plan(request, app_dir) for request in requests]
    plans: list[ApplicationPlan] = []
    failed: list[PlanFailed] = []
    for found in await asyncio.gather(*planning, return_exceptions=True):
        if isinstance(found, PlanFailed):
            failed.append(found)
        elif isinstance(found, BaseException):
            raise found
        else:
            plans.append(found)
    if failed:
        texts = dict.fromkeys(str(error) for error in failed)
        raise PlanFailed("\n".join(texts), min(error.exit_code for error in failed))
    return tuple(plans)


async def _plan(request: str, app_dir: Path) -> ApplicationPlan:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", _MODULE, request),
        env={**os.environ, "PYTHONPATH": python_path(app_dir)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        process_group=0,
    )
    try:
        text, errors = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        said = errors.decode("utf-8", "replace").strip()
        raise PlanFailed(said, 2 if process.returncode == 2 else 1)
    return load_plan(text.decode())


def python_path(app_dir: Path) -> str:
    """Return the PYTHONPATH that finds the user's code and the adapter, in this order."""
    folders = [str(app_dir), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    # A checkout that is not installed is found by its folder. Never site-packages: ahead of the
    # standard library it would shadow modules of it.
    checkout = Path(__file__).resolve().parents[2]
    if checkout.name not in {"site-packages", "dist-packages"}:
        folders.append(str(checkout))
    return os.pathsep.join(dict.fromkeys(folder for folder in folders if folder))

"""`python -m adapter.local.replan TARGET APP_DIR NAME PREFIX`: plan in a fresh process, as JSON.

After a change on disk the running server cannot plan itself: it has the old modules imported.
"""

import asyncio
import os
import sys
from pathlib import Path

from adapter.errors import AdapterError, LocalError
from adapter.local.plan_text import dump_plan, load_plan
from adapter.local.tracebacks import user_traceback
from adapter.local.variables import python_path
from adapter.plan.target import plan_target
from adapter.plan.values import ApplicationPlan
from adapter.serve.names import DEFAULT_APPLICATION


async def replan(
    target: str,
    app_dir: Path,
    *,
    name: str = DEFAULT_APPLICATION,
    route_prefix: str | None = "/",
) -> ApplicationPlan:
    """Plan `target` as it is on disk now.

    Raises `LocalError` with what the planning process said where it fails, for example on a
    syntax error.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", __name__),
        *(target, str(app_dir), name, route_prefix or "/"),
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
        raise LocalError(errors.decode("utf-8", "replace").strip())
    return load_plan(text.decode())


def main(target: str, app_dir: str, name: str, route_prefix: str) -> int:
    """Print the plan; return the exit code."""
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what the user's modules print is no plan
    try:
        plan = plan_target(
            target,
            app_dir=Path(app_dir),
            name=name,
            route_prefix=route_prefix,
        )
    except AdapterError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except Exception as error:  # noqa: BLE001 - whatever the user's module raises is shown
        sys.stderr.write(user_traceback(error))
        return 1
    with answer:
        answer.write(dump_plan(plan))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""`python -m adapter.local.replan REQUEST`: plan in a process of its own, as JSON.

After a change on disk the running server cannot plan itself: it has the old modules imported. And
several applications of one config file must not see each other's modules and variables.
"""

import asyncio
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from adapter.config.program import Program, Target, read_program
from adapter.errors import AdapterError, LocalError
from adapter.local.plan_text import dump_plan, load_plan
from adapter.local.tracebacks import user_traceback
from adapter.local.variables import python_path
from adapter.plan.values import ApplicationPlan


class PlanFailed(LocalError):
    """What planning processes said that failed; `exit_code` is 2 for wrong use, 1 for a crash."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


def plan_program(program: Program) -> tuple[ApplicationPlan, ...]:
    """Plan every application, a single one in this process.

    Raises `PlanFailed` with what the others said, and what `Program.plan` raises.
    """
    if len(program.applications) == 1:
        return (program.plan(program.applications[0]),)
    return asyncio.run(replan(program))


async def replan(program: Program) -> tuple[ApplicationPlan, ...]:
    """Plan every application as it is on disk now, each in a process of its own.

    Raises `PlanFailed` with what all those processes said that fail, for example on a syntax error.
    """
    planning = [_replan(program, application) for application in program.applications]
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


async def _replan(program: Program, application: str) -> ApplicationPlan:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", __name__, _request(program.target, application)),
        env={**os.environ, "PYTHONPATH": python_path(program.app_dir)},
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


def _request(target: Target, application: str) -> str:
    app_dir = None if target.app_dir is None else str(target.app_dir)
    return json.dumps({"application": application, **asdict(target), "app_dir": app_dir})


def main(request: str) -> int:
    """Print the plan that a request asks for; return the exit code."""
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what the user's modules print is no plan
    asked = json.loads(request)
    application = asked.pop("application")
    app_dir = None if asked["app_dir"] is None else Path(asked["app_dir"])
    try:
        plan = read_program(Target(**{**asked, "app_dir": app_dir})).plan(application)
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

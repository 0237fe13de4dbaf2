"""`python -m adapter.config.planning_process REQUEST`: plan an application, as JSON.

The exit code is that of the command line: 2 for wrong use, 1 for a crash of the user's code.
"""

import json
import os
import sys
from pathlib import Path

from adapter.config.plan_text import dump_plan
from adapter.config.program import Target, read_program
from adapter.config.tracebacks import user_traceback
from adapter.errors import AdapterError


def main(request: str) -> int:
    """Print the plan that `Program.request` asks for; return the exit code."""
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

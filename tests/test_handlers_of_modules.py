"""`handler = lambda_handler(api)` in a module that is imported for this and that."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapter.plan.target import plan_target
from tests import events
from tests.plan.programs import Program, program_in

PROGRAM = """
from contextlib import asynccontextmanager
from fastapi import FastAPI
from adapter import lambda_handler, serve

startups = []

@asynccontextmanager
async def lifespan(app):
    startups.append(app.title)
    yield

api = FastAPI(title="api", lifespan=lifespan)
admin = FastAPI(title="admin", lifespan=lifespan)

@api.get("/")
async def count() -> int:
    return len(startups)

handler = lambda_handler(api)
admin_handler = lambda_handler(admin, exclude_headers=["server"])

@serve.deployment
class Model:
    def __call__(self) -> int:
        return len(startups)

model = Model.bind()
"""


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with program_in(tmp_path) as made:
        made.write(main=PROGRAM)
        yield made


def environment(program: Program, module: str, source: str, **variables: str) -> Any:
    """Import a handler's module as a runtime does, and return what `source` prints."""
    root = program.folder / "root"
    root.mkdir(exist_ok=True)
    environ = {
        **os.environ,
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9",
        "LAMBDA_TASK_ROOT": str(root),
        "PYTHONPATH": os.pathsep.join([str(root), str(program.folder), str(Path.cwd())]),
        **variables,
    }
    script = f"import json, {module}, main\n{source}"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_planning_starts_nothing(program: Program) -> None:
    plan_target("main:api", app_dir=program.folder)

    assert sys.modules["main"].startups == []


def test_what_was_imported_for_the_plan_still_works_when_it_is_called(program: Program) -> None:
    plan_target("main:api", app_dir=program.folder)
    handler: Any = sys.modules["main"].handler

    assert [handler(events.http_api())["body"] for _ in range(2)] == ["1", "1"]
    handler.close()


@pytest.mark.parametrize(
    ("target", "started"),
    [("main:api", ["api"]), ("main:admin", ["admin"]), ("main:model", [])],
)
def test_an_entry_point_starts_what_it_serves_once(
    program: Program,
    target: str,
    started: list[str],
) -> None:
    (planned,) = plan_target(target, app_dir=program.folder).functions
    (program.folder / "root").mkdir()
    (program.folder / "root" / "app.py").write_text(planned.entry_point)

    startups = environment(
        program,
        "app",
        "print(json.dumps(main.startups))",
        **planned.environment,
    )

    assert startups == started


def test_an_entry_point_serves_the_handler_of_the_module(program: Program) -> None:
    (planned,) = plan_target("main:api", app_dir=program.folder).functions
    (program.folder / "root").mkdir()
    (program.folder / "root" / "app.py").write_text(planned.entry_point)

    same = environment(
        program,
        "app",
        "print(json.dumps(app.handler is main.handler))",
        **planned.environment,
    )

    assert same is True


@pytest.mark.parametrize("source", ["", "from main import handler", "from main import *"])
def test_the_module_that_lambda_imports_starts_during_init(program: Program, source: str) -> None:
    (program.folder / "own.py").write_text(source)

    startups = environment(program, "own", "print(json.dumps(main.startups))")

    assert startups == ["api", "admin"]


def test_a_second_handler_of_the_same_application_is_the_first(program: Program) -> None:
    source = "from adapter import lambda_handler\nfrom main import api\n"
    (program.folder / "own.py").write_text(f"{source}handler = lambda_handler(api)\n")

    startups = environment(program, "own", "print(json.dumps(main.startups))")

    assert startups == ["api", "admin"]


def test_another_program_that_imports_the_module_starts_nothing(program: Program) -> None:
    sys.path.insert(0, str(program.folder))
    import main  # type: ignore[import-not-found]

    assert main.startups == []
    assert main.handler(events.http_api())["body"] == "1"
    main.handler.close()


def test_first_events_at_the_same_time_start_once(program: Program) -> None:
    plan_target("main:api", app_dir=program.folder)
    handler: Any = sys.modules["main"].handler

    async def three() -> list[Any]:
        import asyncio

        return await asyncio.gather(*(handler.invoke(events.http_api(), None) for _ in range(3)))

    assert [answer["body"] for answer in handler.complete(three())] == ["1", "1", "1"]
    handler.close()

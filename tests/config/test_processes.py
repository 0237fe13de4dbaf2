"""Planning in a fresh process."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from adapter.config.program import Program, Target, read_program
from adapter.errors import PlanFailed
from adapter.plan.target import plan_target
from adapter.plan.values import ApplicationPlan
from tests.local.world import is_alive, until

PROGRAM = """
from adapter import serve

print("printed while importing")

@serve.deployment
class {name}:
    def __call__(self, value):
        return value

app = {name}.bind()
"""


def _program(target: str, folder: Path, **more: Any) -> Program:
    return read_program(Target(text=target, app_dir=folder, **more))


async def _planned(program: Program) -> tuple[ApplicationPlan, ...]:
    return (await program.plan_stack_on_disk()).applications


def _write(folder: Path, text: str) -> None:
    (folder / "replanned.py").write_text(text)


async def test_it_plans_what_is_on_disk_now(tmp_path: Path) -> None:
    _write(tmp_path, PROGRAM.format(name="First"))
    program = _program("replanned:app", tmp_path)
    (first,) = await _planned(program)
    _write(tmp_path, PROGRAM.format(name="Another"))
    (second,) = await _planned(program)

    assert [first.ingress, second.ingress] == ["First", "Another"]


async def test_the_plan_is_the_one_made_in_this_process() -> None:
    named: dict[str, Any] = {"name": "texts", "route_prefix": "/texts"}
    (plan,) = await _planned(_program("text_service:app", Path("examples"), **named))

    assert plan == plan_target("text_service:app", app_dir=Path("examples"), **named)


async def test_a_builder_gets_its_arguments_again(tmp_path: Path) -> None:
    builder = PROGRAM.format(name="Model").replace("app = ", "def build(args): return ")
    _write(tmp_path, builder)
    (plan,) = await _planned(_program("replanned:build", tmp_path, arguments={"size": "3"}))

    assert plan.target == "replanned:build size=3"


async def test_a_syntax_error_is_shown_with_its_place(tmp_path: Path) -> None:
    _write(tmp_path, "x = 1\ndef broken(:\n")

    with pytest.raises(PlanFailed, match=r'replanned\.py", line 2') as caught:
        await _planned(_program("replanned:app", tmp_path))
    assert "SyntaxError" in str(caught.value)


async def test_a_plan_error_is_one_line(tmp_path: Path) -> None:
    _write(tmp_path, "app = 5\n")

    with pytest.raises(PlanFailed) as caught:
        await _planned(_program("replanned:nothing", tmp_path))
    assert str(caught.value).startswith("error: module 'replanned'")
    assert "\n" not in str(caught.value)


async def test_an_exception_of_the_users_shows_the_users_frames(tmp_path: Path) -> None:
    _write(tmp_path, "def fail():\n    return 1 / 0\n\nfail()\n")

    with pytest.raises(PlanFailed, match="ZeroDivisionError") as caught:
        await _planned(_program("replanned:app", tmp_path))
    assert "in fail" in str(caught.value)
    assert "adapter/plan" not in str(caught.value)


async def test_cancelled_it_leaves_no_process(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    _write(
        tmp_path,
        "import os, pathlib, time\n"
        f"pathlib.Path({str(mark)!r}).write_text(f'{{os.getpid()}} ')\ntime.sleep(60)\n",
    )
    planning = asyncio.create_task(_planned(_program("replanned:app", tmp_path)))
    await until(lambda: mark.exists() and mark.read_text().endswith(" "))
    planning.cancel()
    await asyncio.gather(planning, return_exceptions=True)

    assert not is_alive(int(mark.read_text()))


APPLICATIONS = """
from adapter import serve
import os

@serve.deployment
class Model:
    def __init__(self, size): ...

app = Model.bind(os.environ["SIZE"])
"""
CONFIG = """
applications:
  - {name: one, import_path: "sized:app", runtime_env: {env_vars: {SIZE: "1"}}}
  - {name: two, route_prefix: /2, import_path: "sized:app", runtime_env: {env_vars: {SIZE: "2"}}}
"""


def test_applications_of_one_file_do_not_see_each_others_variables(tmp_path: Path) -> None:
    (tmp_path / "sized.py").write_text(APPLICATIONS)
    (tmp_path / "sized.yaml").write_text(CONFIG)
    plans = _program(str(tmp_path / "sized.yaml"), tmp_path).plan_stack().applications

    assert [plan.name for plan in plans] == ["one", "two"]
    sizes = ['"1"' in plan.functions[0].entry_point for plan in plans]
    assert sizes == [True, False]


def test_what_is_wrong_with_each_application_is_told(tmp_path: Path) -> None:
    (tmp_path / "sized.py").write_text(APPLICATIONS)
    (tmp_path / "sized.yaml").write_text(CONFIG.replace("sized:app", "sized:ap"))
    with pytest.raises(PlanFailed) as caught:
        _program(str(tmp_path / "sized.yaml"), tmp_path).plan_stack()

    lines = str(caught.value).splitlines()
    assert [line.split(":")[:3] for line in lines] == [
        ["error", f" {tmp_path / 'sized.yaml'}", "3"],
        ["error", f" {tmp_path / 'sized.yaml'}", "4"],
    ]
    assert caught.value.exit_code == 2


def test_a_crash_of_one_application_is_a_crash(tmp_path: Path) -> None:
    (tmp_path / "sized.py").write_text(APPLICATIONS)
    text = CONFIG.replace('SIZE: "2"', 'OTHER: "2"').replace("sized:app", "sized:ap", 1)
    (tmp_path / "sized.yaml").write_text(text)
    with pytest.raises(PlanFailed, match="KeyError: 'SIZE'") as caught:
        _program(str(tmp_path / "sized.yaml"), tmp_path).plan_stack()

    assert "has no attribute 'ap'" in str(caught.value)
    assert caught.value.exit_code == 1

"""Planning in a fresh process."""

import asyncio
from pathlib import Path

import pytest

from adapter.errors import LocalError
from adapter.local.replan import replan
from adapter.plan.target import plan_target
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


def _write(folder: Path, text: str) -> None:
    (folder / "replanned.py").write_text(text)


async def test_it_plans_what_is_on_disk_now(tmp_path: Path) -> None:
    _write(tmp_path, PROGRAM.format(name="First"))
    first = await replan("replanned:app", tmp_path)
    _write(tmp_path, PROGRAM.format(name="Another"))
    second = await replan("replanned:app", tmp_path)

    assert [first.ingress, second.ingress] == ["First", "Another"]


async def test_the_plan_is_the_one_made_in_this_process() -> None:
    examples = Path("examples")

    assert await replan("text_service:app", examples) == plan_target("text_service:app")


async def test_a_syntax_error_is_shown_with_its_place(tmp_path: Path) -> None:
    _write(tmp_path, "x = 1\ndef broken(:\n")

    with pytest.raises(LocalError, match=r'replanned\.py", line 2') as caught:
        await replan("replanned:app", tmp_path)
    assert "SyntaxError" in str(caught.value)


async def test_a_plan_error_is_one_line(tmp_path: Path) -> None:
    _write(tmp_path, "app = 5\n")

    with pytest.raises(LocalError) as caught:
        await replan("replanned:nothing", tmp_path)
    assert str(caught.value).startswith("error: module 'replanned'")
    assert "\n" not in str(caught.value)


async def test_an_exception_of_the_users_shows_the_users_frames(tmp_path: Path) -> None:
    _write(tmp_path, "def fail():\n    return 1 / 0\n\nfail()\n")

    with pytest.raises(LocalError, match="ZeroDivisionError") as caught:
        await replan("replanned:app", tmp_path)
    assert "in fail" in str(caught.value)
    assert "adapter/plan" not in str(caught.value)


async def test_cancelled_it_leaves_no_process(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    _write(
        tmp_path,
        "import os, pathlib, time\n"
        f"pathlib.Path({str(mark)!r}).write_text(f'{{os.getpid()}} ')\ntime.sleep(60)\n",
    )
    planning = asyncio.create_task(replan("replanned:app", tmp_path))
    await until(lambda: mark.exists() and mark.read_text().endswith(" "))
    planning.cancel()
    await asyncio.gather(planning, return_exceptions=True)

    assert not is_alive(int(mark.read_text()))

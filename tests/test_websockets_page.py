"""The program of docs/websockets.md runs, and what the page says of limits is so."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from adapter import serve
from adapter.local.socket_front import SocketLimits
from adapter.plan.target import plan_target
from adapter.serve import running
from adapter.sockets.bridge import ANSWER_S, LEAVE_S
from adapter.sockets.session import _OPENING_S, MAX_MESSAGE
from tests.plan.programs import Program, program_in

PAGE = (Path(__file__).parents[1] / "docs" / "websockets.md").read_text(encoding="utf-8")
(PROGRAM,) = re.findall(r"```python\n# main\.py\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with program_in(tmp_path) as made:
        yield made


def test_the_program_of_the_page_echoes(tmp_path: Path) -> None:
    script = tmp_path / "main.py"
    script.write_text(PROGRAM)
    serve.start(http_options={"port": 0})
    try:
        serve.run(runpy.run_path(str(script))["app"])
        address = running.url().replace("http", "ws", 1)
        with connect(f"{address}/ws") as socket:
            socket.send("Hello!")
            assert socket.recv(timeout=30) == "Hello!"
    finally:
        serve.shutdown()


def test_the_program_of_the_page_has_the_api_that_the_page_says(program: Program) -> None:
    program.write(page=PROGRAM)
    plan = plan_target("page:app", app_dir=program.folder)

    assert plan.socket_api is not None
    assert [(one.path, one.stage) for one in plan.socket_api.routes] == [("/ws", "ws")]
    assert "`WsSocketUrl`" in PAGE


def test_the_page_names_the_limits_that_hold() -> None:
    limits = SocketLimits()

    assert f"{MAX_MESSAGE // 1024} KB" in PAGE
    assert f"waits {limits.integration_s:.0f} s" in PAGE
    assert f"answers it after {ANSWER_S:.0f} s" in PAGE
    assert f"your `finally` has {LEAVE_S:.0f} s" in PAGE
    assert (limits.idle_s, limits.longest_s) == (600, 7200)
    assert "two hours, ten minutes" in PAGE
    assert _OPENING_S == 3
    assert "for three seconds" in PAGE

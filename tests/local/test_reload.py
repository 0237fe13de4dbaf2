"""Changes on disk while the server runs."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapter.errors import LocalError
from adapter.local.reload import reload_on_change, require_watchfiles
from adapter.local.replan import replan
from tests.local.world import Served, is_alive, only, serving

PROGRAM = """
from adapter import serve

@serve.deployment
class Model:
    def __call__(self, request):
        return {text!r}

app = Model.bind()
"""


@contextlib.asynccontextmanager
async def _reloading(folder: Path) -> AsyncIterator[Served]:
    """Serve `reloaded:app` and watch it."""
    plan = await replan("reloaded:app", folder)
    async with serving(plan, app_dir=folder) as served:
        work = reload_on_change(served.server, folder, served.records.log)
        watching = asyncio.create_task(work)
        await asyncio.sleep(0)  # the watch is set before it first waits
        try:
            yield served
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching


def _write(folder: Path, text: str) -> None:
    (folder / "reloaded.py").write_text(text)


async def test_a_change_is_served_by_new_processes(tmp_path: Path) -> None:
    _write(tmp_path, PROGRAM.format(text="old"))
    async with _reloading(tmp_path) as served:
        first = (await served.http.get("/")).text
        pid = only(served.server.functions["Model"].environments).pid
        _write(tmp_path, PROGRAM.format(text="new"))
        await served.records.wait_for("reload")
        second = (await served.http.get("/")).text
        (change,) = served.records.of("change")

    assert ("old" in first, "new" in second) == (True, True)
    assert change["files"] == ["reloaded.py"]
    assert not is_alive(pid)


async def test_a_syntax_error_is_shown_and_the_old_version_serves_on(tmp_path: Path) -> None:
    _write(tmp_path, PROGRAM.format(text="old"))
    async with _reloading(tmp_path) as served:
        await served.http.get("/")
        _write(tmp_path, "def broken(:\n")
        (failed,) = await served.records.wait_for("reload_failed")
        while_broken = (await served.http.get("/")).text
        _write(tmp_path, PROGRAM.format(text="mended"))
        await served.records.wait_for("reload")
        mended = (await served.http.get("/")).text

    assert "SyntaxError" in failed["reason"]
    assert "old" in while_broken
    assert "mended" in mended


def test_without_watchfiles_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)

    with pytest.raises(LocalError, match=r"pip install 'serve-adapter\[reload\]'"):
        require_watchfiles()

"""Changes on disk while the server runs."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapter.config.program import Target, read_program
from adapter.errors import LocalError
from adapter.local.reload import reload_on_change, require_watchfiles
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
async def _reloading(
    folder: Path,
    target: str = "reloaded:app",
    app_dir: Path | None = None,
) -> AsyncIterator[Served]:
    """Serve a target and watch it."""
    program = read_program(Target(text=target, app_dir=app_dir or folder))
    async with serving(
        *(await program.plan_stack_on_disk()).applications, app_dir=folder
    ) as served:
        work = reload_on_change(served.server, program, served.records.log)
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


CONFIG = """
applications:
  - import_path: reloaded:app
    deployments: [{name: Model, num_replicas: 1}]
"""


def _configure(folder: Path, text: str) -> str:
    path = folder / "reloaded.yaml"
    path.write_text(text)
    return str(path)


async def test_a_change_of_the_config_file_is_served(tmp_path: Path) -> None:
    _write(tmp_path, PROGRAM.format(text="hello"))
    async with _reloading(tmp_path, _configure(tmp_path, CONFIG)) as served:
        _configure(tmp_path, CONFIG + "    route_prefix: /moved\n")
        await served.records.wait_for("reload")
        answers = [(await served.http.get(path)).status_code for path in ("/", "/moved")]
        (change,) = served.records.of("change")

    assert answers == [404, 200]
    assert change["files"] == ["reloaded.yaml"]


async def test_a_config_file_in_another_folder_is_watched_though_nothing_beside_it(
    tmp_path: Path,
) -> None:
    source, other = tmp_path / "source", tmp_path / "other"
    for folder in (source, other):
        folder.mkdir()
    _write(source, PROGRAM.format(text="hello"))
    async with _reloading(source, _configure(other, CONFIG)) as served:
        (other / "beside.py").write_text("")
        (source / "data.yaml").write_text("")
        _configure(other, CONFIG + "    route_prefix: /moved\n")
        await served.records.wait_for("reload")
        changes = {name for change in served.records.of("change") for name in change["files"]}

    assert changes == {str(other / "reloaded.yaml")}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("aplications: []", "error: {path}:1:1: the file has no key 'apl"),
        ("http_options: {port: 1}\n" + CONFIG, "error: {path}: another working_dir or other http"),
        (CONFIG.replace("Model", "Modle"), "error: {path}:4:26: application 'default' has no"),
        (CONFIG + "    - broken", "error: {path}:5:5: this is not valid YAML"),
    ],
)
async def test_a_mistake_in_the_config_file_is_shown_and_the_old_version_serves_on(
    tmp_path: Path,
    text: str,
    reason: str,
) -> None:
    _write(tmp_path, PROGRAM.format(text="hello"))
    path = _configure(tmp_path, CONFIG)
    async with _reloading(tmp_path, path) as served:
        _configure(tmp_path, text)
        (failed,) = await served.records.wait_for("reload_failed")
        answer = (await served.http.get("/")).text

    assert failed["reason"].startswith(reason.format(path=path))
    assert "hello" in answer


def test_without_watchfiles_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)

    with pytest.raises(LocalError, match=r"pip install 'serve-adapter\[reload\]'"):
        require_watchfiles()

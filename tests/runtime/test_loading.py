import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapter.errors import TargetError
from adapter.runtime.loading import load_handler

MODULE = """
import gc
during = gc.get_threshold()
handler = print
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    usual = gc.get_threshold()
    yield tmp_path
    gc.set_threshold(*usual)


def load(folder: Path, text: str, name: str = "function_to_load") -> object:
    (folder / f"{name}.py").write_text(text)
    return load_handler(f"{name}.handler", str(folder))


def test_garbage_is_looked_for_less_often_while_modules_are_imported(folder: Path) -> None:
    usual = gc.get_threshold()

    assert load(folder, MODULE) is print

    assert sys.modules["function_to_load"].during[0] > 10 * usual[0]
    assert gc.get_threshold() == usual


def test_it_is_as_usual_after_an_import_that_failed(folder: Path) -> None:
    usual = gc.get_threshold()

    with pytest.raises(ZeroDivisionError):
        load(folder, "1 / 0")

    assert gc.get_threshold() == usual


def test_what_a_module_sets_itself_counts(folder: Path) -> None:
    load(folder, MODULE + "gc.set_threshold(5000, 7, 9)")

    assert gc.get_threshold()[:2] == (5000, 7)


@pytest.mark.parametrize(("name", "said"), [("app", "form"), ("json.none", "no handler named")])
def test_a_name_that_leads_to_no_handler_is_refused(name: str, said: str) -> None:
    with pytest.raises(TargetError, match=said):
        load_handler(name, "")

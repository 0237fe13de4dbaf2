"""Tracebacks as users get them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapter.config.plan_text import load_plan
from adapter.config.tracebacks import user_traceback
from adapter.plan.target import plan_target


def _raised_by(action: Callable[[], object]) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is the action's matter
        action()
    return caught.value


def _raised_by_target(folder: Path, name: str, text: str) -> BaseException:
    (folder / f"{name}.py").write_text(text)
    return _raised_by(lambda: plan_target(f"{name}:app", app_dir=folder))


def test_the_way_from_us_to_the_users_code_is_left_out(tmp_path: Path) -> None:
    error = _raised_by_target(tmp_path, "traced_one", "def fail():\n    1 / 0\n\nfail()\n")
    text = user_traceback(error)

    assert "traced_one.py" in text
    assert "in fail" in text
    assert "ZeroDivisionError" in text
    assert "adapter/plan/target.py" not in text
    assert "importlib" not in text
    assert text.endswith(" frames of the adapter are not shown)\n")


def test_causes_are_shortened_too(tmp_path: Path) -> None:
    source = (
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError from error\n"
    )
    text = user_traceback(_raised_by_target(tmp_path, "traced_two", source))

    assert "ZeroDivisionError" in text
    assert "ValueError" in text
    assert "adapter/plan/target.py" not in text


def test_a_missing_import_of_the_users_points_to_the_users_line(tmp_path: Path) -> None:
    text = user_traceback(_raised_by_target(tmp_path, "traced_three", "import not_there_at_all\n"))

    assert "import not_there_at_all" in text
    assert "adapter/plan/target.py" not in text


def test_an_error_of_ours_keeps_every_frame() -> None:
    text = user_traceback(_raised_by(lambda: load_plan("{}")))

    assert "adapter/config/plan_text.py" in text
    assert "not shown" not in text

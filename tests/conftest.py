import contextlib
import sys
from collections.abc import Callable, Generator, Iterator

import pytest

from adapter.function import Function
from adapter.serve import context
from tests import profiles
from tests.coroutines import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]

profiles.register()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what a test logs in a form that pytest-xdist can send: fuzzed texts hold surrogates."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture(autouse=True)
def _outside_of_any_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function says whose process it is, as on Lambda; here the next test follows."""
    monkeypatch.setattr(context, "_process_deployment", None)


@pytest.fixture(autouse=True, scope="module")
def _nothing_served() -> Iterator[None]:
    """Whatever a module leaves served in this process would take the next one's handle calls."""
    yield
    if (in_process := sys.modules.get("adapter.local.in_process")) is not None:
        in_process.shutdown()


@pytest.fixture
def closing() -> Iterator[Callable[[Function], Function]]:
    """Close a function when the test is done: `closing(entry_point(Model))`."""
    with contextlib.ExitStack() as functions:

        def close_later(function: Function) -> Function:
            functions.callback(function.close)
            return function

        yield close_later

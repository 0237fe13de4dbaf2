import inspect
from pathlib import Path
from typing import Any

import pytest

from adapter.http_adapters.packages import require_packages


@require_packages(["json", "no_such_package", "no.other"])
def plain(value: int) -> int:
    """Say it."""
    return value


@require_packages(["json", "no_such_package", "no.other"])
async def asynchronous(value: int) -> int:
    return value


@require_packages(["json", "importlib.metadata"])
def fortunate(value: int, *, more: int = 0) -> int:
    return value + more


@require_packages(["json"])
async def fortunate_too(value: int) -> int:
    return value


async def test_a_missing_package_is_an_import_error_that_names_it() -> None:
    message = (
        r"requires packages \['json', 'no_such_package', 'no.other'\] to run but "
        r"\['no_such_package', 'no.other'\] are missing\. Please `pip install` them"
    )

    with pytest.raises(ImportError, match=f"^plain {message}"):
        plain(1)
    with pytest.raises(ImportError, match=f"^asynchronous {message}"):
        await asynchronous(1)


async def test_a_function_whose_packages_are_there_is_called() -> None:
    assert fortunate(1, more=2) == 3
    assert await fortunate_too(1) == 1


def test_the_function_stays_what_it_was_to_who_reads_it() -> None:
    assert inspect.getdoc(plain) == "Say it."
    assert list(inspect.signature(fortunate).parameters) == ["value", "more"]
    assert inspect.iscoroutinefunction(asynchronous)
    assert not inspect.iscoroutinefunction(plain)
    assert inspect.isfunction(plain)


def test_a_package_that_misses_another_one_says_so_itself(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "package_with_needs.py").write_text("import no_such_package")
    monkeypatch.syspath_prepend(tmp_path)

    @require_packages(["package_with_needs"])
    def function() -> None: ...

    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'no_such_package'$"):
        function()


@pytest.mark.parametrize("thing", [5, "plain", object()])
def test_only_a_function_can_require_packages(thing: Any) -> None:
    with pytest.raises(ValueError, match="require_packages needs a function"):
        require_packages(["json"])(thing)

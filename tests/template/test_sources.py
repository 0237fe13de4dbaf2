import sys
from pathlib import Path
from types import ModuleType

import pytest

from adapter.errors import BuildError
from adapter.template.selection import Selection
from adapter.template.sources import Sources, find_sources
from tests.template.plans import entry_point
from tests.template.trees import write_tree


def find(root: Path, *include: str, exclude: tuple[str, ...] = ()) -> Sources:
    selection = Selection(root=root, exclude=exclude, generated=frozenset({root / "layers"}))
    return find_sources([entry_point("Gateway")], selection, include)


def test_imports_are_followed_through_modules_and_packages(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "shop.py": "def lazy():\n    import models.fast\n",
            "models/__init__.py": "",
            "models/fast.py": "from tools import x",
            "models/words.txt": "",
            "tools.py": "",
            "unused.py": "",
        },
    )

    found = find(tmp_path)

    assert list(found.roots) == ["models", "shop.py", "tools.py"]
    assert list(found.files) == [
        "models/__init__.py",
        "models/fast.py",
        "models/words.txt",
        "shop.py",
        "tools.py",
    ]


def test_folder_without_init_is_a_package_too(tmp_path: Path) -> None:
    write_tree(tmp_path, {"shop/gateway.py": "", "shop/data.json": ""})

    assert list(find(tmp_path).files) == ["shop/data.json", "shop/gateway.py"]


def test_folder_without_init_loses_to_a_module_that_is_installed(tmp_path: Path) -> None:
    write_tree(tmp_path, {"shop.py": "import html, click", "html/a.py": "", "click/b.py": ""})

    found = find(tmp_path)

    assert list(found.roots) == ["shop.py"]
    assert found.installed == ("click",)


def test_package_wins_over_a_module_of_the_same_name(tmp_path: Path) -> None:
    write_tree(tmp_path, {"shop/__init__.py": "", "shop.py": ""})

    assert list(find(tmp_path).roots) == ["shop"]


def test_adapter_is_never_taken_for_code_of_the_user(tmp_path: Path) -> None:
    write_tree(tmp_path, {"shop.py": "", "adapter/__init__.py": ""})

    assert list(find(tmp_path).roots) == ["shop.py"]


def test_included_files_come_along_and_their_imports_too(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {"shop.py": "", "plugins/a.py": "import extra", "extra.py": "", "data/a.csv": ""},
    )

    assert list(find(tmp_path, "plugins", "data/*.csv").roots) == [
        "data/a.csv",
        "extra.py",
        "plugins",
        "shop.py",
    ]


@pytest.mark.parametrize("pattern", ["nothing/*", ".env"])
def test_included_pattern_that_ships_nothing_is_refused(tmp_path: Path, pattern: str) -> None:
    write_tree(tmp_path, {"shop.py": "", ".env": ""})

    with pytest.raises(BuildError, match="matches no file below"):
        find(tmp_path, pattern)


def test_excluded_module_stays_out(tmp_path: Path) -> None:
    write_tree(tmp_path, {"shop.py": "import debug", "debug.py": ""})

    assert list(find(tmp_path, exclude=("debug.py",)).roots) == ["shop.py"]


def test_module_with_a_name_that_sam_drops_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path, {"shop.py": "import env", "env/__init__.py": ""})

    with pytest.raises(BuildError, match="imports 'env', but `sam build` drops"):
        find(tmp_path)


def test_module_in_a_folder_that_is_written_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path, {"shop.py": "import layers", "layers/__init__.py": ""})

    with pytest.raises(BuildError, match=r"layers is the folder .* --output-dir"):
        find(tmp_path)


def test_target_outside_of_the_app_dir_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_tree(tmp_path, {"src/shop/__init__.py": "", "app/other.py": ""})
    monkeypatch.syspath_prepend(tmp_path / "src")

    with pytest.raises(BuildError, match=f"Give --app-dir {tmp_path / 'src'}"):
        find(tmp_path / "app")


def test_other_modules_outside_of_the_app_dir_are_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_tree(tmp_path, {"src/lib_one.py": "", "src/lib_two/a.py": ""})
    write_tree(tmp_path, {"app/shop.py": "import lib_one, lib_two, no_such_module, json"})
    monkeypatch.syspath_prepend(tmp_path / "src")

    assert find(tmp_path / "app").outside == ("lib_one", "lib_two")


def test_loaded_module_that_cannot_be_located_is_passed_over(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "made_up", ModuleType("made_up"))  # has no spec
    write_tree(tmp_path, {"shop.py": "import made_up"})

    found = find(tmp_path)

    assert (found.installed, found.outside) == ((), ())

from pathlib import Path

import pytest

from adapter.errors import BuildError
from adapter.template.selection import Selection
from tests.template.trees import write_tree


def shipped(root: Path, **options: tuple[str, ...]) -> list[str]:
    selection = Selection(root=root, exclude=options.get("exclude", ()))
    return [path.relative_to(root / "pkg").as_posix() for path in selection.files(root / "pkg")]


def test_package_is_taken_whole_in_order(tmp_path: Path) -> None:
    files = ["z.py", "__init__.py", "data/words.txt", "data/a/b.json", "run.sh"]
    write_tree(tmp_path, {f"pkg/{name}": "" for name in files})

    assert shipped(tmp_path) == [
        "__init__.py",
        "data/a/b.json",
        "data/words.txt",
        "run.sh",
        "z.py",
    ]


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".git/config",
        ".hidden/a.py",
        "__pycache__/a.cpython-311.pyc",
        "a.pyc",
        "prod.env",
        "id.pem",
        "tls.key",
        "venv/lib/a.py",
        "native.so",
    ],
)
def test_what_is_private_or_a_cache_never_ships(tmp_path: Path, name: str) -> None:  # R13
    write_tree(tmp_path, {"pkg/__init__.py": "", f"pkg/{name}": "", f"pkg/sub/{name}": ""})

    assert shipped(tmp_path) == ["__init__.py"]


def test_virtual_environment_is_known_by_its_configuration(tmp_path: Path) -> None:
    write_tree(tmp_path, {"pkg/tools/pyvenv.cfg": "", "pkg/tools/lib/a.py": ""})

    assert shipped(tmp_path) == []


def test_patterns_of_the_user_match_paths_and_names(tmp_path: Path) -> None:
    files = ["a.py", "a.md", "deep/b.md", "tests/c.py", "deep/keep/tests.py"]
    write_tree(tmp_path, {f"pkg/{name}": "" for name in files})

    assert shipped(tmp_path, exclude=("*.md", "pkg/tests")) == ["a.py", "deep/keep/tests.py"]


def test_link_inside_of_the_app_dir_is_followed(tmp_path: Path) -> None:
    write_tree(tmp_path, {"shared/words.txt": "", "pkg/__init__.py": ""})
    (tmp_path / "pkg/data").symlink_to("../shared")

    assert shipped(tmp_path) == ["__init__.py", "data/words.txt"]


def test_link_to_what_never_ships_does_not_ship(tmp_path: Path) -> None:
    write_tree(tmp_path, {".env": "SECRET=1", ".git/config": "", "pkg/__init__.py": ""})
    (tmp_path / "pkg/settings").symlink_to("../.env")
    (tmp_path / "pkg/config").symlink_to("../.git/config")

    assert shipped(tmp_path) == ["__init__.py"]


def test_link_out_of_the_app_dir_is_refused(tmp_path: Path) -> None:  # R13
    write_tree(tmp_path, {"passwords": "", "app/pkg/__init__.py": ""})
    (tmp_path / "app/pkg/data").symlink_to("../../passwords")

    with pytest.raises(BuildError, match=r"pkg/data is a symbolic link to .*passwords, outside"):
        shipped(tmp_path / "app")


def test_link_to_nothing_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path, {"pkg/__init__.py": ""})
    (tmp_path / "pkg/data").symlink_to("gone")

    with pytest.raises(BuildError, match=r"pkg/data is a symbolic link .*does not exist"):
        shipped(tmp_path)


def test_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path, {"pkg/__init__.py": ""})
    (tmp_path / "pkg/again").symlink_to(".")

    with pytest.raises(BuildError, match="again is a symbolic link to a folder above it"):
        shipped(tmp_path)


def test_what_the_build_writes_is_no_source_of_the_next(tmp_path: Path) -> None:
    write_tree(tmp_path, {"pkg/__init__.py": "", "pkg/layers/application/x.py": ""})
    selection = Selection(root=tmp_path, generated=frozenset({tmp_path / "pkg/layers"}))

    assert list(selection.files(tmp_path / "pkg")) == [tmp_path / "pkg/__init__.py"]


def test_left_out_names_a_folder_once_and_no_caches(tmp_path: Path) -> None:
    files = ["__init__.py", ".env", "env/a.py", "env/b.py", "__pycache__/a.pyc", "sub/c.key"]
    write_tree(tmp_path, {f"pkg/{name}": "" for name in files})
    selection = Selection(root=tmp_path)

    found = [path.name for path in selection.left_out(tmp_path / "pkg")]

    assert found == [".env", "env", "c.key"]
    assert [path.name for path in selection.surprises(tmp_path / "pkg")] == ["env", "c.key"]

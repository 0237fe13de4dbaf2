import re
import tomllib
from pathlib import Path

import pytest

from adapter.errors import BuildError
from adapter.template.requirements import RUN_TIME, Requirements, find_requirements, name_of
from tests.template.trees import write_tree

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def find(folder: Path, requirements: str) -> Requirements:
    return find_requirements(write_tree(folder, {"requirements.txt": requirements}))


def test_own_requirements_are_those_of_the_package() -> None:
    declared = tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]

    assert [line for line in declared if name_of(line) in map(name_of, RUN_TIME)] == list(RUN_TIME)


def test_own_requirements_are_enough_without_any_of_the_user(tmp_path: Path) -> None:
    assert find_requirements(tmp_path) == Requirements(own=RUN_TIME)


def test_all_are_in_one_file(tmp_path: Path) -> None:
    found = find(tmp_path, "vaderSentiment>=3  # the lexicon\n\nNumPy\n")

    assert found.text("shop:app") == (
        "# Written by `adapter build shop:app`.\n\n"
        "# What the adapter needs inside a function.\n" + "\n".join(RUN_TIME) + "\n\n"
        "# From requirements.txt.\nNumPy\nvaderSentiment>=3\n"
    )


def test_the_word_of_the_user_on_a_package_wins(tmp_path: Path) -> None:
    found = find(tmp_path, "FastAPI[standard]==0.140\nstarlette>=2; python_version < '3.0'\n")

    assert found.users == ("FastAPI[standard]==0.140", "starlette>=2; python_version < '3.0'")
    assert [name_of(line) for line in found.own] == ["mangum", "starlette"]


def test_adapter_itself_has_its_own_layer(tmp_path: Path) -> None:
    found = find(tmp_path, "serve_adapter[aws]==1.0\nadapter\nboto3\n")

    assert found.users == ("boto3",)


def test_repeated_line_is_written_once(tmp_path: Path) -> None:
    assert find(tmp_path, "numpy\nnumpy\n").users == ("numpy",)


def test_pip_options_are_kept(tmp_path: Path) -> None:
    found = find(tmp_path, "--extra-index-url https://pypi.example/simple\nnumpy\n")

    assert found.options == ("--extra-index-url https://pypi.example/simple",)
    assert found.text("a:b").index("--extra") < found.text("a:b").index("numpy")


def test_included_files_are_read_in_place(tmp_path: Path) -> None:
    write_tree(tmp_path, {"more/base.txt": "numpy\n-r deep.txt\n", "more/deep.txt": "scipy\n"})

    assert find(tmp_path, "-r more/base.txt\npandas\n").users == ("numpy", "pandas", "scipy")


@pytest.mark.parametrize("line", ["-r missing.txt", "--requirement=requirements.txt"])
def test_included_file_that_cannot_be_read_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(BuildError, match=re.escape(line.replace("=", " ").split()[1])):
        find(tmp_path, line)


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "--editable ../lib",
        "-c constraints.txt",
        "./lib",
        "../lib",
        "lib @ file:///home/me/lib",
        "wheels/lib-1.0-py3-none-any.whl",
        "lib-1.0-py3-none-any.whl",
        "--find-links wheels",
    ],
)
def test_line_that_means_a_place_on_this_machine_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(BuildError, match=re.escape(repr(line))):
        find(tmp_path, line)


def test_urls_are_kept(tmp_path: Path) -> None:
    lines = ("https://example.org/lib-1.0-py3-none-any.whl", "tool @ git+https://example.org/tool")

    assert find(tmp_path, "\n".join(lines)).users == lines


def test_hashes_are_kept_where_they_are_complete(tmp_path: Path) -> None:
    pinned = "".join(
        f"{name}==1 \\\n    --hash=sha256:aa\n" for name in ("fastapi", "mangum", "starlette")
    )

    assert find(tmp_path, pinned).text("a:b").endswith(pinned)


def test_hashes_that_are_not_complete_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"add mangum.*, starlette.* to it, with hashes"):
        find(tmp_path, "fastapi==1 --hash=sha256:aa\n")


def test_pyproject_is_read_where_there_is_no_requirements_file(tmp_path: Path) -> None:
    write_tree(tmp_path, {"pyproject.toml": '[project]\ndependencies = ["numpy>=2"]\n'})
    (tmp_path / "src").mkdir()

    found = find_requirements(tmp_path / "src")

    assert (found.users, found.origin) == (("numpy>=2",), "pyproject.toml")


def test_requirements_of_the_app_dir_come_before_those_of_the_project(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "pyproject.toml": '[project]\ndependencies = ["numpy"]\n',
            "examples/requirements.txt": "scipy\n",
        },
    )

    assert find_requirements(tmp_path / "examples").users == ("scipy",)


def test_pyproject_without_dependencies_says_nothing(tmp_path: Path) -> None:
    write_tree(tmp_path, {"pyproject.toml": "[project]\n"})

    assert find_requirements(tmp_path).users == ()

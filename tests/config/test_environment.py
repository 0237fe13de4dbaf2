"""Ray's `runtime_env`, of an application and of its deployments."""

import os
from pathlib import Path
from typing import Any

import pytest

from adapter.config.environment import is_remote, merged, variables_set
from adapter.errors import InvalidOption


@pytest.mark.parametrize(
    ("outer", "inner", "whole"),
    [
        ({}, {}, {}),
        ({"env_vars": {"A": "1"}}, {}, {"env_vars": {"A": "1"}}),
        (
            {"env_vars": {"A": "1", "B": "1"}},
            {"env_vars": {"B": "2"}},
            {"env_vars": {"A": "1", "B": "2"}},
        ),
        ({"pip": ("a",)}, {"pip": ["b"]}, {"pip": ["b"]}),
        ({"pip": ("a",)}, {"conda": "x"}, {"pip": ["a"], "conda": "x"}),
        ({"pip": {"packages": ["a"]}}, {}, {"pip": ["a"]}),
        (
            {"working_dir": ".", "conda": "x", "env_vars": None},
            {"env_vars": None},
            {"env_vars": None},
        ),
    ],
)
def test_the_deployments_word_is_the_last(
    tmp_path: Path,
    outer: dict[str, Any],
    inner: dict[str, Any],
    whole: dict[str, Any],
) -> None:
    assert merged(outer, inner, tmp_path) == whole


@pytest.mark.parametrize(
    "pip", ["requirements/models.txt", {"packages": "requirements/models.txt"}]
)
def test_a_requirements_file_is_read(tmp_path: Path, pip: Any) -> None:
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "models.txt").write_text("# models\nnumpy==2.3\n\n  torch  \n")

    assert merged({"pip": pip}, {}, tmp_path) == {"pip": ["numpy==2.3", "torch"]}


def test_a_requirements_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match=r"pip='a.txt': the requirements file .*a.txt cannot"):
        merged({"pip": "a.txt"}, {}, tmp_path)


def test_variables_are_set_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEFORE", "1")
    monkeypatch.delenv("NEW", raising=False)
    with variables_set({"BEFORE": "2", "NEW": "3"}):
        assert (os.environ["BEFORE"], os.environ["NEW"]) == ("2", "3")

    assert os.environ["BEFORE"] == "1"
    assert "NEW" not in os.environ


@pytest.mark.parametrize(
    ("working_dir", "remote"),
    [("s3://a/b.zip", True), ("https://a/b.zip", True), (".", False), ("local:///a", False)],
)
def test_what_ray_would_fetch_is_remote(working_dir: str, remote: bool) -> None:  # noqa: FBT001
    assert is_remote(working_dir) is remote

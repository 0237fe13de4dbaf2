import sys
from pathlib import Path

import pytest

from adapter.errors import InvalidOption
from adapter.template.settings import BuildSettings, project_folders, read_settings
from tests.template.trees import write_tree


def read(
    app_dir: Path,
    environ: dict[str, str] | None = None,
    **flags: str | None,
) -> BuildSettings:
    return read_settings(app_dir=app_dir, environ=environ or {}, flags=flags)


def pyproject(folder: Path, table: str) -> Path:
    return write_tree(folder, {"pyproject.toml": f"[tool.adapter]\n{table}\n"})


def test_nothing_said_builds_here_for_the_running_python(tmp_path: Path) -> None:
    assert read(tmp_path) == BuildSettings(
        app_dir=tmp_path,
        output=Path(),
        runtime=f"python3.{sys.version_info.minor}",
    )


def test_flags_win_over_variables_and_variables_over_the_file(tmp_path: Path) -> None:
    pyproject(tmp_path, 'runtime = "python3.11"\nstage = "link"\narchitecture = "arm64"')

    settings = read(
        tmp_path,
        {"ADAPTER_RUNTIME": "python3.12", "ADAPTER_STAGE": "copy"},
        runtime="python3.13",
        stage=None,
    )

    assert (settings.runtime, settings.stage, settings.architecture) == (
        "python3.13",
        "copy",
        "arm64",
    )


def test_file_is_found_above_the_app_dir(tmp_path: Path) -> None:
    pyproject(tmp_path, 'stack_name = "shop"\noutput_dir = "deploy"')
    (tmp_path / "src").mkdir()

    settings = read(tmp_path / "src")

    assert settings.stack_name == "shop"
    assert settings.output == tmp_path / "deploy"


def test_search_ends_at_the_repository(tmp_path: Path) -> None:
    pyproject(tmp_path, 'stack_name = "other"')
    write_tree(tmp_path, {"repository/.git/HEAD": "", "repository/src/app.py": ""})

    assert read(tmp_path / "repository/src").stack_name is None
    assert project_folders(tmp_path / "repository/src") == (
        tmp_path / "repository/src",
        tmp_path / "repository",
    )


def test_patterns_are_a_list_in_the_file_and_parted_by_commas_in_a_variable(tmp_path: Path) -> None:
    pyproject(tmp_path, 'include = ["data/*.json"]')

    settings = read(tmp_path, {"ADAPTER_EXCLUDE": "*.md, notebooks/"})

    assert settings.include == ("data/*.json",)
    assert settings.exclude == ("*.md", "notebooks")


def test_a_variable_that_is_empty_says_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, {"ADAPTER_STAGE": ""}).stage == "copy"


def test_unknown_setting_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    pyproject(tmp_path, 'archtecture = "arm64"')

    with pytest.raises(InvalidOption, match=r"no setting 'archtecture'. Did you mean 'archit"):
        read(tmp_path)


def test_unknown_setting_like_no_other_lists_the_known(tmp_path: Path) -> None:
    pyproject(tmp_path, "zzz = 1")

    with pytest.raises(InvalidOption, match="Known are architecture, exclude, ignore"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('runtime = "python3.9"', r"runtime='python3.9' \(\[tool.adapter\] in .*python3.11"),
        ("runtime = 3.11", "runtime=3.11 .* must be a string"),
        ('stage = "move"', "stage='move' .* must be one of copy, link"),
        ('stack_name = "my_stack"', "stack_name='my_stack' .* start with a letter"),
        ('include = "data"', "include='data' .* must be a list of patterns"),
        ('include = ["/etc"]', "include pattern '/etc' .* relative to the app dir"),
        ('exclude = ["../x"]', "exclude pattern '../x' .* relative to the app dir"),
        ("output_dir = 1", "output_dir=1 .* must be a string"),
        ("stage =", "pyproject.toml is not valid TOML"),
    ],
)
def test_wrong_value_is_refused_with_its_origin(tmp_path: Path, table: str, message: str) -> None:
    pyproject(tmp_path, table)

    with pytest.raises(InvalidOption, match=message):
        read(tmp_path)


def test_wrong_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match=r"architecture='arm' \(ADAPTER_ARCHITECTURE\)"):
        read(tmp_path, {"ADAPTER_ARCHITECTURE": "arm"})


def test_wrong_flag_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match=r"stack_name='1' \(--stack-name\)"):
        read(tmp_path, stack_name="1")


def test_ignored_checks_are_a_list_of_codes(tmp_path: Path) -> None:
    pyproject(tmp_path, 'ignore = ["A207"]')

    assert read(tmp_path).ignore == ("A207",)
    assert read(tmp_path, {"ADAPTER_IGNORE": "A207, A208"}).ignore == ("A207", "A208")


def test_ignored_checks_of_another_type_are_refused(tmp_path: Path) -> None:
    pyproject(tmp_path, "ignore = 'A207'")

    with pytest.raises(InvalidOption, match=r"ignore='A207' \(\[tool.adapter\].* list of codes"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("table", "environ", "flag", "public"),
    [
        ("", {}, None, False),
        ("public = true", {}, None, True),
        ("public = true", {"ADAPTER_PUBLIC": "false"}, None, False),
        ("", {"ADAPTER_PUBLIC": "1"}, None, True),
        ("public = true", {"ADAPTER_PUBLIC": "yes"}, False, False),
    ],
)
def test_public_is_a_word_that_somebody_says(
    tmp_path: Path,
    table: str,
    environ: dict[str, str],
    flag: bool | None,  # noqa: FBT001 - a parameter of the test
    *,
    public: bool,
) -> None:
    pyproject(tmp_path, table)

    settings = read_settings(app_dir=tmp_path, environ=environ, flags={"public": flag})

    assert settings.public is public


def test_a_word_that_is_neither_true_nor_false_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidOption, match=r"public='maybe' \(ADAPTER_PUBLIC\) must be true or fal"
    ):
        read(tmp_path, {"ADAPTER_PUBLIC": "maybe"})


def test_the_users_template_is_found_beside_the_file_that_names_it(tmp_path: Path) -> None:
    pyproject(tmp_path, 'template = "deploy/infrastructure.yaml"')
    write_tree(tmp_path, {"src/app.py": "", "deploy/infrastructure.yaml": ""})

    assert read(tmp_path / "src").template == tmp_path / "deploy/infrastructure.yaml"

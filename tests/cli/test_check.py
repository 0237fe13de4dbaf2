import json
from pathlib import Path

import pytest

from tests.cli.programs import adapter, shop
from tests.template.trees import read_tree, write_tree

PROGRAM = shop(
    "num_replicas=3, "
    'lambda_options=serve.LambdaOptions(environment={"DB_PASSWORD": "correct-horse"})'
)
OPEN_URL = """
    Resources:
      Report:
        Type: AWS::Serverless::Function
        Properties:
          InlineCode: "def handler(event, context): ..."
          LoggingConfig:
            LogGroup: reports
          FunctionUrlConfig:
            AuthType: NONE
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tree(
        tmp_path,
        {"shop.py": PROGRAM, "pyproject.toml": '[tool.adapter]\nruntime = "python3.13"\n'},
    )


def with_template(folder: Path, **settings: str) -> None:
    """Give the project a template of its own, which has a public function URL."""
    lines = [f'{name} = "{value}"' for name, value in settings.items()]
    table = ["[tool.adapter]", 'runtime = "python3.13"', 'template = "own.yaml"', *lines]
    write_tree(folder, {"own.yaml": OPEN_URL, "pyproject.toml": "\n".join(table)})


def test_warnings_are_lines_with_reason_and_remedy_and_exit_with_0(folder: Path) -> None:
    done = adapter(folder, "check", "shop:app")

    assert done.stderr == ""
    starts = [line[:20] for line in done.stdout.splitlines()]
    assert starts == ["warning A207  Model ", "warning A209  Model ", "0 errors, 2 warnings"]
    assert "costs 16.43 USD a month before the first request" in done.stdout
    assert "the environment variable DB_PASSWORD is called like a secret" in done.stdout
    assert 'secrets={"DB_PASSWORD": ...}' in done.stdout
    assert "correct-horse" not in done.stdout
    assert done.stdout.splitlines()[-1] == "0 errors, 2 warnings"
    assert done.returncode == 0


def test_strict_makes_warnings_count(folder: Path) -> None:
    assert adapter(folder, "check", "shop:app", "--strict").returncode == 1


def test_a_template_of_the_users_own_is_checked_too(folder: Path) -> None:
    with_template(folder)

    done = adapter(folder, "check", "shop:app")

    assert done.stdout.splitlines()[0] == (
        "error   A103  Report  the function URL is public. Set AuthType: AWS_IAM; where it is "
        "meant, silence this in the resource's Metadata."
    )
    assert done.stdout.splitlines()[-1] == "1 error, 2 warnings"
    assert done.returncode == 1


def test_a_template_of_the_users_own_may_be_named_by_a_flag(folder: Path) -> None:
    write_tree(folder, {"own.yaml": OPEN_URL})

    done = adapter(folder, "check", "shop:app", "--template", "own.yaml")

    assert done.stdout.startswith("error   A103  Report  the function URL is public.")
    assert done.returncode == 1


def test_costs_are_those_of_the_architecture_that_a_flag_names(folder: Path) -> None:
    done = adapter(folder, "check", "shop:app", "--architecture", "arm64")

    assert "costs 13.14 USD a month before the first request" in done.stdout


def test_a_runtime_by_a_flag_goes_before_that_of_a_variable(folder: Path) -> None:
    wrong = {"ADAPTER_RUNTIME": "python2.7"}

    assert adapter(folder, "check", "shop:app", **wrong).returncode == 2
    assert adapter(folder, "check", "shop:app", "--runtime", "python3.12", **wrong).returncode == 0


def test_findings_are_json_for_programs(folder: Path) -> None:
    done = adapter(folder, "check", "shop:app", "--output", "json")

    report = json.loads(done.stdout)
    assert (report["errors"], report["warnings"]) == (0, 2)
    assert report["findings"][1] == {
        "code": "A209",
        "severity": "warning",
        "where": "Model",
        "resource": "Model",
        "reason": "the environment variable DB_PASSWORD is called like a secret and holds a value.",
        "remedy": (
            "Store it in Secrets Manager or Parameter Store and write "
            'secrets={"DB_PASSWORD": ...} in LambdaOptions; whoever may read the function\'s '
            "configuration reads its environment."
        ),
    }


def test_a_code_is_silenced_in_the_project_file(folder: Path) -> None:
    done = adapter(folder, "check", "shop:app", ADAPTER_IGNORE="A207,A209")

    assert done.stdout == "no findings\n"


def test_an_unknown_code_is_one_clear_error(folder: Path) -> None:
    done = adapter(folder, "check", "shop:app", ADAPTER_IGNORE="A700")

    assert done.returncode == 2
    assert done.stderr.startswith("error: ignore in [tool.adapter]: there is no check 'A700'.")


def test_colours_are_asked_for(folder: Path) -> None:
    assert (
        "\x1b[33mwarning\x1b[0m A207"
        in adapter(folder, "check", "shop:app", "--color", "always").stdout
    )
    assert "\x1b" not in adapter(folder, "check", "shop:app").stdout


def test_a_small_account_is_told_what_it_does_not_grant(folder: Path) -> None:
    done = adapter(folder, "check", "shop:app", "--account-concurrency", "10")

    assert "warning A208  stack  3 executions are reserved or kept warm" in done.stdout


def test_a_build_writes_nothing_where_there_is_an_error(folder: Path) -> None:
    with_template(folder)
    before = read_tree(folder)

    done = adapter(folder, "build", "shop:app")

    assert done.stdout.startswith("error   A103  Report  the function URL is public.")
    assert done.returncode == 1
    assert read_tree(folder) == before


def test_a_build_shows_warnings_and_writes(folder: Path) -> None:
    done = adapter(folder, "build", "shop:app")

    assert "  warning A207  Model  provisioned concurrency 3" in done.stdout
    assert done.returncode == 0
    assert (folder / "template.yaml").is_file()


def test_the_report_of_a_build_has_the_findings(folder: Path) -> None:
    with_template(folder)

    done = adapter(folder, "build", "shop:app", "--output", "json")

    codes = [one["code"] for one in json.loads(done.stdout)["findings"]]
    assert codes == ["A103", "A207", "A209"]
    assert done.returncode == 1
    assert not (folder / "template.yaml").exists()

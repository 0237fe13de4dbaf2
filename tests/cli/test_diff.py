import json
from pathlib import Path

import pytest

from tests.aws import Aws, aws, error, region
from tests.cli.programs import at_most, shop
from tests.cli.test_status import described
from tests.template.trees import write_tree

__all__ = ["aws", "region"]

PROGRAM = shop(at_most(10))
LATER = shop(at_most(20)).replace(
    "app = Gateway.bind(Model.bind())",
    """
@serve.deployment
class Summarizer:
    def __init__(self, model):
        self.model = model

    def __call__(self, text: str) -> str:
        return text[:10]


@serve.deployment
class Both(Gateway.func_or_class):
    def __init__(self, model, summarizer):
        super().__init__(model)


model = Model.bind()
app = Both.options(name="Gateway").bind(model, Summarizer.bind(model))
""",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tree(tmp_path, {"shop.py": PROGRAM, ".git/HEAD": ""})


def deployed(aws: Aws, folder: Path) -> None:
    """Deploy what the program is now, as far as moto takes it."""
    assert aws.run(folder, "build", "shop:app").returncode == 0
    aws.create_stack("shop", (folder / "template.yaml").read_text())
    # moto cannot tell the outputs of an API that it does not have.
    aws.answers("POST DescribeStacks", described("CREATE_COMPLETE"))


def test_what_changes_and_where_access_widens(aws: Aws, folder: Path) -> None:
    deployed(aws, folder)
    (folder / "shop.py").write_text(LATER)

    done = aws.run(folder, "diff", "shop:app")

    assert (done.returncode, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "~ Model reserved concurrency 10 → 20" in lines
    assert "+ Summarizer new function" in lines
    assert [line for line in lines if line.startswith("!")] == [
        "! access Gateway may now invoke Summarizer",
        "! access Summarizer may now invoke Model",
    ]
    assert "note" not in done.stdout
    assert aws.asked["POST CreateChangeSet"] == aws.asked["POST DeleteChangeSet"] == 1


def test_the_same_words_come_from_the_last_build(aws: Aws, folder: Path) -> None:
    deployed(aws, folder)
    (folder / "shop.py").write_text(LATER)

    changed = aws.run(folder, "diff", "shop:app", "--output", "json")
    built = aws.run(folder, "diff", "shop:app", "--last-build", "--output", "json")

    of_stack, of_build = json.loads(changed.stdout), json.loads(built.stdout)
    code = [one for one in of_build["changes"] if one["name"] == "code"]
    assert of_stack["access"] == of_build["access"]
    assert of_stack["changes"] == [one for one in of_build["changes"] if one not in code]
    assert {"kind": "changed", "name": "code", "change": "layers/application/shop.py"} in code
    assert of_stack["against"] == "stack shop"
    assert of_build["against"].startswith("the last build, ")


def test_it_compares_what_a_build_with_the_same_options_would_write(
    aws: Aws,
    folder: Path,
) -> None:
    queue = "Resources:\n  Jobs:\n    Type: AWS::SQS::Queue\n"
    write_tree(folder, {"own.yaml": queue})
    flags = ("--runtime", "python3.12", "--architecture", "arm64", "--template", "own.yaml")
    assert aws.run(folder, "build", "shop:app", "--runtime", "python3.13").returncode == 0

    done = aws.run(folder, "diff", "shop:app", "--last-build", *flags, "--public")
    aws.run(folder, "build", "shop:app", *flags, "--public")
    same = aws.run(folder, "diff", "shop:app", "--last-build", *flags, "--public")

    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "~ Model runtime python3.13 → python3.12" in lines
    assert "~ Model architecture x86_64 → arm64" in lines
    assert "+ Jobs new queue" in lines
    assert "! access anybody may now call ANY / (HttpApi, Gateway)" in lines
    assert same.stdout.splitlines()[0].startswith("  no change of the last build")


def test_exit_codes_tell_changes(aws: Aws, folder: Path) -> None:
    deployed(aws, folder)
    same = aws.run(folder, "diff", "shop:app", "--exit-code")
    (folder / "shop.py").write_text(LATER)
    other = aws.run(folder, "diff", "shop:app", "--exit-code")
    wrong = aws.run(folder, "diff", "shop:nothing", "--exit-code")
    misused = aws.run(folder, "diff", "shop:app", "no-argument", "--exit-code")
    denied = aws.run(folder, "diff", "shop:app", "--exit-code", "--profile", "nobody")

    assert (same.returncode, same.stdout) == (0, "  no change of stack shop\n")
    assert other.returncode == 2
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("error: module 'shop'")
    assert misused.returncode == 1
    assert "expected an argument of the application builder" in misused.stderr
    assert denied.returncode == 1


def test_everything_is_new_where_there_is_no_stack(aws: Aws, folder: Path) -> None:
    done = aws.run(folder, "diff", "shop:app")

    assert "  + Gateway            new function\n" in done.stdout
    assert "  ! access             Gateway may now invoke Model\n" in done.stdout
    assert "  note  stack shop does not exist yet: everything is new." in done.stdout
    assert "POST CreateChangeSet" not in aws.asked


def test_without_credentials_the_last_build_does_and_that_is_said(
    aws: Aws,
    folder: Path,
) -> None:
    deployed(aws, folder)
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}

    done = aws.run(folder, "diff", "shop:app", **nobody)
    named = aws.run(folder, "diff", "shop:app", "--stack", "prod", **nobody)

    assert done.returncode == 0
    assert "no change of the last build" in done.stdout
    assert "note  compared with the last build, not with stack shop: no AWS cred" in done.stdout
    assert (named.returncode, named.stdout) == (1, "")
    assert named.stderr.startswith("error: no AWS credentials")


def test_no_build_and_no_credentials_is_an_error(aws: Aws, folder: Path) -> None:
    done = aws.run(folder, "diff", "shop:app", "--last-build")

    assert done.returncode == 1
    assert "there is no last build to compare with" in done.stderr


def test_what_no_change_set_tells_is_said(aws: Aws, folder: Path) -> None:
    deployed(aws, folder)
    aws.answers("POST CreateChangeSet", error("AccessDenied", "not yours", 403))

    done = aws.run(folder, "diff", "shop:app")

    assert done.returncode == 0
    assert "note  what would be replaced is not known: AWS refuses CreateCh" in done.stdout


def test_nothing_is_written(aws: Aws, folder: Path) -> None:
    before = sorted(folder.iterdir())

    assert aws.run(folder, "diff", "shop:app", PYTHONDONTWRITEBYTECODE="1").returncode == 0
    assert sorted(folder.iterdir()) == before

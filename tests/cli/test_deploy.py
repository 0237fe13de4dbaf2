"""`adapter deploy` with a `sam` that only records what it is told."""

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from tests.aws import Aws, Reply, aws, command, region, shop
from tests.cli import stub_sam
from tests.cli.test_diff import LATER, PROGRAM, deployed
from tests.cli.test_status import ALIAS, ALIASES, WARM, failed_events
from tests.local.world import wait_for_end
from tests.template.trees import write_tree

__all__ = ["aws", "region"]

FLAGS = [
    *("--capabilities", "CAPABILITY_IAM"),
    "--resolve-s3",
    "--no-confirm-changeset",
    "--no-fail-on-empty-changeset",
]


PROFILE = """
[profile work]
region = eu-west-1
aws_access_key_id = testing
aws_secret_access_key = testing
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "project", {"shop.py": PROGRAM, ".git/HEAD": ""})


@pytest.fixture
def stub(tmp_path: Path) -> Path:
    return stub_sam.install(tmp_path / "bin")


def path(stub: Path) -> str:
    return f"{stub}{os.pathsep}{os.environ['PATH']}"


def deploy(
    aws: Aws,
    folder: Path,
    stub: Path,
    *options: str,
    **environ: str,
) -> subprocess.CompletedProcess[str]:
    return aws.run(folder, "deploy", *options, PATH=path(stub), **environ)


def test_it_compiles_what_was_built_before_it_deploys(aws: Aws, folder: Path, stub: Path) -> None:
    aws.create_stack("shop", shop())

    done = deploy(aws, folder, stub, "shop:app", "--yes", "--wait", "0", SAM_STUB="modules")

    assert done.returncode == 0
    assert "sam deploys shop.py, __pycache__" in done.stdout
    assert "python3.99 is not on PATH, so modules are not compiled for it" in done.stdout


def test_it_builds_and_deploys_and_shows_where_it_answers(
    aws: Aws,
    folder: Path,
    stub: Path,
) -> None:
    url = f"{aws.url}/app/"
    aws.create_stack("shop", shop(Url=url))
    aws.answers("GET /app/", Reply(503, {}), Reply(403, {}))

    done = deploy(aws, folder, stub, "shop:app", "--yes")

    assert (done.returncode, done.stderr) == (0, "")
    assert stub_sam.calls(stub) == [["build"], ["deploy", "--stack-name", "shop", *FLAGS]]
    assert (folder / "template.yaml").is_file()
    assert "sam deploy --stack-name shop" in done.stdout
    assert "! access  Gateway may now invoke Model" in done.stdout
    assert f"waiting for {url} (HTTP 503)" in done.stdout
    assert done.stdout.endswith(f"  Url  {url}\n")
    assert aws.asked["GET /app/"] == 2


def test_what_is_said_to_be_public_is_built_public(aws: Aws, folder: Path, stub: Path) -> None:
    aws.create_stack("shop", shop())

    done = deploy(aws, folder, stub, "shop:app", "--yes", "--public", "--wait", "0")

    assert (done.returncode, done.stderr) == (0, "")
    assert "AWS_IAM" not in (folder / "template.yaml").read_text()


def test_options_of_a_build_reach_it(aws: Aws, folder: Path, stub: Path) -> None:
    queue = "Resources:\n  Jobs:\n    Type: AWS::SQS::Queue\n"
    write_tree(folder, {"own.yaml": queue})
    aws.create_stack("shop", shop())
    flags = ("--runtime", "python3.12", "--architecture", "arm64", "--template", "own.yaml")

    done = deploy(aws, folder, stub, "shop:app", "--yes", *flags, "--wait", "0")

    assert (done.returncode, done.stderr) == (0, "")
    template = (folder / "template.yaml").read_text()
    assert "Runtime: python3.12" in template
    assert "- arm64" in template
    assert "Type: AWS::SQS::Queue" in template


@pytest.mark.parametrize(
    "flag",
    [
        ("--public",),
        ("--no-public",),
        ("--template", "own.yaml"),
        ("--runtime", "python3.13"),
        ("--architecture", "arm64"),
    ],
)
def test_options_of_a_build_without_target_are_refused(
    aws: Aws,
    folder: Path,
    stub: Path,
    flag: tuple[str, ...],
) -> None:
    done = deploy(aws, folder, stub, *flag)

    assert done.returncode == 2
    name = flag[0].replace("no-", "")
    assert f"{name} is about what is built: give TARGET." in done.stderr


def test_a_program_is_planned_once(aws: Aws, folder: Path, stub: Path) -> None:
    program = """
    from pathlib import Path
    from adapter import serve

    def build(args: dict[str, str]) -> serve.Application:
        with Path("planned").open("a") as file:
            file.write(args["size"])
        return serve.deployment(len).bind()
    """
    write_tree(folder, {"shop.py": program})
    aws.create_stack("shop", shop())

    done = deploy(aws, folder, stub, "shop:build", "size=3", "--yes", "--wait", "0")

    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "planned").read_text() == "3"


def test_it_waits_until_environments_are_warm(aws: Aws, folder: Path, stub: Path) -> None:
    aws.create_stack("shop", shop())
    aws.answers(ALIASES, Reply(200, {"Aliases": [ALIAS]}))
    warm = {
        "RequestedProvisionedConcurrentExecutions": 2,
        "AvailableProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
    }
    aws.answers(WARM, Reply(200, warm), Reply(200, {**warm, "Status": "READY"}))

    done = deploy(aws, folder, stub, "shop:app", "--yes")

    assert done.returncode == 0
    assert "  waiting for Model (0 of 2 environments)\n" in done.stdout
    assert done.stdout.endswith("  stack shop  deployed; it has no URL\n")


def test_a_function_that_fails_is_an_error_with_the_reason(
    aws: Aws,
    folder: Path,
    stub: Path,
) -> None:
    aws.create_stack("shop", shop())
    aws.answers(ALIASES, Reply(200, {"Aliases": [ALIAS]}))
    aws.answers(WARM, Reply(200, {"Status": "FAILED", "StatusReason": "init failed"}))

    done = deploy(aws, folder, stub, "shop:app", "--yes")

    assert (done.returncode, done.stderr) == (
        1,
        "error: deployed, but not ready:\n       Model: init failed\n",
    )


def test_a_url_that_never_answers_is_an_error(aws: Aws, folder: Path, stub: Path) -> None:
    aws.create_stack("shop", shop(Url=f"{aws.url}/app/"))
    aws.answers("GET /app/", Reply(502, {}))

    done = deploy(aws, folder, stub, "shop:app", "--yes", "--wait", "1")
    unwaited = deploy(aws, folder, stub, "shop:app", "--yes", "--wait", "0")

    assert done.returncode == 1
    assert f"{aws.url}/app/ does not answer: HTTP 502. See adapter logs." in done.stderr
    assert unwaited.returncode == 0


def test_a_redirect_is_an_answer(aws: Aws, folder: Path, stub: Path) -> None:
    aws.create_stack("shop", shop(Url=f"{aws.url}/app/"))
    aws.answers("GET /app/", Reply(302, {}, {"location": f"{aws.url}/elsewhere/"}))

    assert deploy(aws, folder, stub, "shop:app", "--yes").returncode == 0
    assert "GET /elsewhere/" not in aws.asked


def test_nothing_is_deployed_where_access_widens_and_nobody_can_be_asked(
    aws: Aws,
    folder: Path,
    stub: Path,
) -> None:
    done = deploy(aws, folder, stub, "shop:app")

    assert done.returncode == 2
    assert "! access  Gateway may now invoke Model" in done.stdout
    assert "Access widens. Deploy to stack shop? Nobody is there to ask: give --yes" in done.stderr
    assert stub_sam.calls(stub) == []


def test_nobody_is_asked_where_nothing_widens(aws: Aws, folder: Path, stub: Path) -> None:
    deployed(aws, folder)

    done = deploy(aws, folder, stub, "--wait", "0")

    assert (done.returncode, done.stderr) == (0, "")
    assert "!" not in done.stdout
    assert [call[0] for call in stub_sam.calls(stub)] == ["build", "deploy"]


def test_nobody_is_asked_in_ci(aws: Aws, folder: Path, stub: Path) -> None:
    aws.create_stack("shop", shop())

    done = deploy(aws, folder, stub, "shop:app", "--wait", "0", CI="true")

    assert done.returncode == 0
    assert "! access" in done.stdout


@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 1), (b"y\n", 0)])
def test_the_answer_decides(
    aws: Aws,
    folder: Path,
    stub: Path,
    answer: bytes,
    code: int,
) -> None:
    aws.create_stack("shop", shop())
    keyboard, terminal = pty.openpty()
    try:
        with subprocess.Popen(
            command("deploy", "shop:app", "--wait", "0"),
            cwd=folder,
            env={**aws.environ, "PATH": path(stub)},
            stdin=terminal,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            os.write(keyboard, answer)
            said = process.communicate(timeout=60)[0]
    finally:
        os.close(keyboard)
        os.close(terminal)

    assert process.returncode == code
    assert "Access widens. Deploy to stack shop? [y/N]" in said
    assert bool(stub_sam.calls(stub)) == (code == 0)
    assert ("nothing is deployed" in said) == (code == 1)


def test_the_exit_code_of_sam_is_ours(aws: Aws, folder: Path, stub: Path) -> None:
    built = deploy(aws, folder, stub, "shop:app", "--yes", SAM_STUB="fail-build")
    assert built.returncode == 3
    assert stub_sam.calls(stub) == [["build"]]

    aws.create_stack("shop", shop())
    events = Reply(200, failed_events(), {"content-type": "text/xml"})
    aws.answers("POST DescribeStackEvents", events)
    deployed = deploy(aws, folder, stub, "shop:app", "--yes", SAM_STUB="fail")

    assert deployed.returncode == 3
    assert deployed.stderr == "  failed: Gateway (AWS::X): no such layer\n"


def test_samconfig_region_and_profile_reach_sam(aws: Aws, folder: Path, stub: Path) -> None:
    config = """
    version = 0.1
    [default.deploy.parameters]
    stack_name = "prod"
    s3_bucket = "ours"
    """
    write_tree(folder, {"samconfig.toml": config})
    home = write_tree(folder.parent / "home", {"config": PROFILE})
    aws.create_stack("prod", shop())

    done = deploy(
        aws,
        folder,
        stub,
        *("shop:app", "--yes", "--wait", "0", "--region", "eu-central-1", "--profile", "work"),
        AWS_CONFIG_FILE=str(home / "config"),
    )

    assert done.returncode == 0, done.stderr
    _, (_, *flags) = stub_sam.calls(stub)
    assert flags[:6] == [
        *("--stack-name", "prod"),
        *("--region", "eu-central-1"),
        *("--profile", "work"),
    ]
    assert "--resolve-s3" not in flags


def test_guided_leaves_the_questions_to_sam(aws: Aws, folder: Path, stub: Path) -> None:
    aws.create_stack("shop", shop())

    done = deploy(aws, folder, stub, "shop:app", "--guided", "--wait", "0")

    assert done.returncode == 0
    assert stub_sam.calls(stub)[1] == ["deploy", "--guided"]


def test_what_is_too_large_is_not_uploaded(aws: Aws, folder: Path, stub: Path) -> None:
    done = deploy(aws, folder, stub, "shop:app", "--yes", SAM_STUB="large")

    assert done.returncode == 1
    assert "Gateway: 300 MB unzipped" in done.stderr
    assert [call[0] for call in stub_sam.calls(stub)] == ["build"]


def test_without_target_there_must_be_a_build(aws: Aws, folder: Path, stub: Path) -> None:
    done = deploy(aws, folder, stub, "--stack", "shop")

    assert done.returncode == 1
    assert "there is nothing to deploy: template.yaml does not exist." in done.stderr


def test_without_sam_it_says_how_to_install_it(aws: Aws, folder: Path, tmp_path: Path) -> None:
    done = aws.run(folder, "deploy", "shop:app", PATH=str(tmp_path))

    assert done.returncode == 1
    assert done.stderr.startswith("error: `sam` is not on PATH")
    assert "pipx install aws-sam-cli" in done.stderr
    assert not (folder / "template.yaml").exists()


def test_without_credentials_sam_is_not_started(aws: Aws, folder: Path, stub: Path) -> None:
    done = deploy(aws, folder, stub, "shop:app", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")

    assert done.returncode == 1
    assert done.stderr.startswith("error: no AWS credentials")
    assert stub_sam.calls(stub) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_sam_and_leaves_nothing_running(
    aws: Aws,
    folder: Path,
    stub: Path,
    number: int,
    code: int,
) -> None:
    environ = {"PATH": path(stub), "SAM_STUB": "hang"}
    with aws.start(folder, "deploy", "shop:app", "--yes", **environ) as process:
        assert process.stdout is not None
        pids = next(line for line in process.stdout if line.startswith("hanging")).split()[1:]
        process.send_signal(number)
        rest = process.stdout.read()

    assert process.returncode == code
    assert ("sam cleans up" in rest) == (number == signal.SIGINT)
    assert "what CloudFormation has begun goes on. See adapter status." in rest
    wait_for_end(map(int, pids))


def test_a_change_is_asked_for_by_what_widens_alone(aws: Aws, folder: Path, stub: Path) -> None:
    deployed(aws, folder)
    (folder / "shop.py").write_text(LATER)

    done = deploy(aws, folder, stub, "shop:app")

    assert [line for line in done.stdout.splitlines() if "!" in line] == [
        "  ! access  Gateway may now invoke Summarizer",
        "  ! access  Summarizer may now invoke Model",
    ]

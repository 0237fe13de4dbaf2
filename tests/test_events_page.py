"""The examples of docs/events.md: built, and served."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from adapter.serve import EventBridgeRule, S3Bucket, Schedule, SQSQueue
from tests.e2e.sam import sam
from tests.running import Run, adapter_run

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = {
    text.splitlines()[0].removeprefix("# "): text
    for _, text in BLOCKS
    if re.match(r"# [\w.]+\n", text)
}
MESSAGES, ANSWER, WRAPPED = [text for kind, text in BLOCKS if kind == "json"]
[COMMAND] = [text for kind, text in BLOCKS if kind == "sh"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "messages.json").write_text(MESSAGES, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Iterator[Run]:
    run = adapter_run("shop:app", folder=folder)
    yield run
    assert run.stop() == 0


def adapter(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "adapter.cli.main", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_block_of_the_page_is_known() -> None:
    assert list(FILES) == ["shop.py", "infrastructure.yaml", "archive.py", "shop.yaml"]
    assert len(BLOCKS) == len(FILES) + 4


def events(template: Path, function: str) -> list[str]:
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda _loader, _name, node: str(node.value))
    found: Any = yaml.load(template.read_text(encoding="utf-8"), Loader)
    return [one["Type"] for one in found["Resources"][function]["Properties"]["Events"].values()]


@pytest.mark.parametrize(
    ("arguments", "function", "expected"),
    [
        (("shop:app",), "Orders", {"ScheduleV2", "SQS", "S3", "EventBridgeRule"}),
        (("archive:app", "--template", "infrastructure.yaml"), "Index", {"S3"}),
        (("shop.yaml",), "ShopOrders", {"ScheduleV2", "SQS"}),
    ],
)
def test_what_the_page_subscribes_to_is_in_the_template(
    folder: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    function: str,
    expected: set[str],
) -> None:
    adapter(folder, "build", *arguments, "--output-dir", str(tmp_path))

    assert set(events(tmp_path / "template.yaml", function)) == expected


@pytest.mark.sam
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "arguments",
    [("shop:app",), ("archive:app", "--template", "infrastructure.yaml")],
)
def test_what_the_page_builds_passes_the_linter(
    folder: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
) -> None:
    adapter(folder, "build", *arguments, "--output-dir", str(tmp_path))

    sam("validate", "--lint", folder=tmp_path)


def test_messages_are_answered_as_the_page_says(folder: Path, run: Run) -> None:
    words = COMMAND.split()
    assert words[0] == "adapter"
    words[words.index("--local")] = f"--endpoint={run.lambda_url}"

    assert json.loads(adapter(folder, *words[1:])) == json.loads(ANSWER)


def test_wrapped_event_is_taken(run: Run) -> None:
    client = boto3.client(
        "lambda",
        endpoint_url=run.lambda_url,
        region_name="eu-central-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    answer = client.invoke(FunctionName="Orders", Payload=WRAPPED.encode())

    assert answer.get("FunctionError") is None
    assert answer["Payload"].read() == b"null"


def test_every_setting_is_in_its_chapter() -> None:
    for kind in (Schedule, SQSQueue, S3Bucket, EventBridgeRule):
        [signature] = re.findall(rf"`serve\.{kind.__name__}\((\w.*?)\)`", PAGE)
        assert signature.replace("*, ", "").split(", ") == list(kind.__dataclass_fields__)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https:)([^)#]+)", PAGE):
        assert (ROOT / "docs" / target).is_file()

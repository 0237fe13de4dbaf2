"""The example answers the same JSON wherever its functions run.

Everything starts from what lies in the repository: the committed `functions/` and `template.yaml`.
"""

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests import events
from tests.e2e.sam import local_api
from tests.examples.sentences import SENTENCES
from tests.running import Run, adapter_run
from tests.runtime.hosts import RUNTIMES, emulator

ROOT = Path(__file__).parent.parent.parent
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    running = adapter_run("text_service:app", "--app-dir", "examples", folder=ROOT)
    yield running
    running.stop()


def answers(url: str) -> dict[str, Any]:
    return {sentence: analyze(url, sentence) for sentence in SENTENCES}


def analyze(url: str, sentence: str) -> Any:
    request = urllib.request.Request(
        f"{url}/analyze",
        data=json.dumps({"text": sentence}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_through_adapter_run(run: Run) -> None:
    assert answers(run.http_url) == SENTENCES


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_on_awss_runtime_interface_emulator(runtime: str, run: Run, tmp_path: Path) -> None:
    source = (ROOT / "functions/gateway/app.py").read_text()
    endpoint = {"AWS_ENDPOINT_URL_LAMBDA": run.lambda_url}
    found = {}
    examples = ROOT / "examples"
    with emulator(source, RUNTIMES[runtime], tmp_path, app_dir=examples, **endpoint) as host:
        for sentence in SENTENCES:
            event = events.http_api(
                method="POST",
                path="/analyze",
                headers={"content-type": "application/json"},
                body=json.dumps({"text": sentence}),
            )
            found[sentence] = json.loads(host.invoke(event).payload["body"])

    assert found == SENTENCES


@pytest.mark.docker
@pytest.mark.sam
@pytest.mark.timeout(600)
def test_in_containers_of_sam_local(tmp_path: Path) -> None:
    with local_api(ROOT, tmp_path) as url:
        assert answers(url) == SENTENCES


def test_boto3_invokes_a_model_by_its_name(run: Run) -> None:
    client = boto3.client(
        "lambda",
        endpoint_url=run.lambda_url,
        region_name="eu-west-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )

    answer = client.invoke(FunctionName="Sentiment", Payload=b'{"args": ["I love it"]}')

    assert json.load(answer["Payload"]) == {
        "neg": 0.0,
        "neu": 0.323,
        "pos": 0.677,
        "compound": 0.6369,
    }
    client.close()


def test_the_log_says_who_called_the_models(run: Run) -> None:
    analyze(run.http_url, "What a wonderful day")

    expected = {"Sentiment": "Gateway", "Keywords": "Gateway"}
    end = time.monotonic() + PATIENCE_S
    while (found := callers(run)) != expected and time.monotonic() < end:
        time.sleep(0.01)  # lines are written after the answer, and read by a thread
    assert found == expected


def callers(run: Run) -> dict[str, str]:
    """Return who has called which function, by name."""
    calls = [record for record in list(run.records) if record["type"] == "invocation"]
    return {call["function"]: call["caller"] for call in calls if call.get("caller")}

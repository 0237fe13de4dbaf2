"""Samples of Ray Serve's HTTP guide in its older forms, served by `adapter run`.

All of them run through their planned entry points in `tests/test_drivers.py`.
"""

import json
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.older_programs import SAMPLES, Asked
from tests.running import Run, adapter_run


@pytest.fixture(scope="module", params=["ndarray", "graph"])
def served(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, Run]]:
    """The name of a sample, and a run of it."""
    folder = tmp_path_factory.mktemp(request.param)
    source = textwrap.dedent(SAMPLES[request.param].source)
    (folder / "program.py").write_text(source)
    running = adapter_run("program:app", folder=folder)
    yield request.param, running
    running.stop()


def ask(url: str, asked: Asked) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"{url}{asked.path}",
        data=json.dumps(asked.body).encode(),
        headers={"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_sample_answers_over_http(served: tuple[str, Run]) -> None:
    name, run = served

    answers = [ask(run.http_url, asked) for asked in SAMPLES[name].asked]

    assert answers == [(asked.status, asked.answer) for asked in SAMPLES[name].asked]


def test_a_driver_is_called_without_http_by_its_name(served: tuple[str, Run]) -> None:
    name, run = served
    client = boto3.client(
        "lambda",
        endpoint_url=run.lambda_url,
        region_name="eu-west-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    array = {"$ndarray": {"dtype": "<i8", "shape": [1], "data": "BwAAAAAAAAA="}}
    argument, result = {
        "ndarray": (array, 7),
        "graph": ([1, 10, 100], {"sum": 32, "values": 102}),
    }[name]

    answer = client.invoke(
        FunctionName="DAGDriver",
        Payload=json.dumps({"method": "predict", "args": [argument]}),
    )

    assert json.load(answer["Payload"]) == result
    client.close()


def test_the_deployments_are_functions_of_their_own(served: tuple[str, Run]) -> None:
    name, run = served
    for asked in SAMPLES[name].asked:
        ask(run.http_url, asked)

    expected = {"ndarray": ["Model"], "graph": ["Model", "Model_1", "combine"]}[name]
    while callers(run) != dict.fromkeys(expected, "DAGDriver"):
        time.sleep(0.05)  # the log is read by a thread


def callers(run: Run) -> dict[str, str]:
    """Return who has called which function, by name."""
    calls = [record for record in list(run.records) if record["type"] == "invocation"]
    return {call["function"]: call["caller"] for call in calls if call.get("caller")}

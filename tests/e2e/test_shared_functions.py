"""Deployments that share functions, as clients of HTTP and of Lambda's API see them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from adapter import serve
from adapter.local import in_process
from tests.e2e import shared_program
from tests.running import Run, adapter_run

ADAPTER_RUN, SERVE_RUN = "adapter run", "serve.run"


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    started = adapter_run("tests.e2e.shared_program:app", folder=Path.cwd())
    yield started
    assert started.stop() == 0


@pytest.fixture(scope="module", params=[ADAPTER_RUN, SERVE_RUN])
def client(request: pytest.FixtureRequest) -> Iterator[httpx2.Client]:
    if request.param == ADAPTER_RUN:
        url = request.getfixturevalue("run").http_url
        with httpx2.Client(base_url=url, timeout=60) as made:
            yield made
        return
    serve.start(http_options={"port": 0})
    try:
        serve.run(shared_program.app)
        with httpx2.Client(base_url=in_process.url(), timeout=60) as made:
            yield made
    finally:
        serve.shutdown()


def test_calls_within_a_function_out_of_it_and_back_find_their_deployment(
    client: httpx2.Client,
) -> None:
    found = client.get("/", params={"text": "a good day for Ada"}).json()

    assert found["who"] == "Gateway"
    assert (found["sentiment"]["good"], found["sentiment"]["who"]) == (True, "Sentiment")
    assert found["summary"]["who"] == "Summary"
    assert found["summary"]["found"]["names"] == ["Ada"]
    assert found["summary"]["found"]["who"] == "Ner"
    assert found["report"]["back"]["who"] == "Sentiment"


def test_an_exception_is_the_callees(client: httpx2.Client) -> None:
    assert client.get("/fail").json() == "RemoteCancelled: not today"


def test_items_are_streamed(client: httpx2.Client) -> None:
    assert client.get("/words", params={"text": "one two three"}).json() == ["one", "two", "three"]


def test_plain_code_may_wait_for_a_neighbour(client: httpx2.Client) -> None:
    assert client.get("/plain").json() is True


def test_who_shares_a_function_shares_a_process(run: Run) -> None:
    found = httpx2.get(f"{run.http_url}/", params={"text": "Ada"}, timeout=60).json()
    summary = found["summary"]

    assert found["sentiment"]["process"] == found["process"]
    assert summary["found"]["process"] == summary["process"]
    assert len({found["process"], summary["process"], found["report"]["process"]}) == 3


def invoke(run: Run, function: str, event: dict[str, Any]) -> Any:
    url = f"{run.lambda_url}/2015-03-31/functions/{function}/invocations"
    return httpx2.post(url, content=json.dumps(event), timeout=60).json()


def test_who_invokes_says_which_deployment(run: Run) -> None:
    call = {"method": "__call__", "args": ["Ada"]}

    assert invoke(run, "models", {**call, "deployment": "Summary"})["who"] == "Summary"
    assert invoke(run, "models", call)["who"] == "Ner"
    assert invoke(run, "front", {**call, "deployment": "Sentiment"})["who"] == "Sentiment"


def test_a_deployment_that_is_not_there_is_one_named_error(run: Run) -> None:
    error = invoke(run, "models", {"method": "__call__", "deployment": "Sentiment"})

    assert error["errorType"] == "InvalidCall"
    assert error["errorMessage"] == (
        "this function has no deployment 'Sentiment'; it has Ner, Summary."
    )

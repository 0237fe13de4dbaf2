"""Handle calls that wait, run in the background, and are large, as a client of HTTP sees them."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from adapter import serve
from adapter.local import in_process
from tests.e2e import calls_program
from tests.running import adapter_run

ADAPTER_RUN, SERVE_RUN = "adapter run", "serve.run"


@pytest.fixture(scope="module", params=[ADAPTER_RUN, SERVE_RUN])
def host(request: pytest.FixtureRequest) -> Iterator[tuple[str, httpx2.Client]]:
    if request.param == ADAPTER_RUN:
        run = adapter_run("tests.e2e.calls_program:app", folder=Path.cwd())
        with httpx2.Client(base_url=run.http_url, timeout=60) as made:
            yield request.param, made
        assert run.stop() == 0
        return
    serve.start(http_options={"port": 0})
    try:
        serve.run(calls_program.app)
        with httpx2.Client(base_url=in_process.url(), timeout=60) as made:
            yield request.param, made
    finally:
        serve.shutdown()


@pytest.fixture
def name(host: tuple[str, httpx2.Client]) -> str:
    return host[0]


@pytest.fixture
def client(host: tuple[str, httpx2.Client]) -> httpx2.Client:
    return host[1]


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def wait_for(path: Path, count: int) -> None:
    while len(lines(path)) < count:
        time.sleep(0.02)


def test_calls_of_a_busy_deployment_wait_and_run_once(
    client: httpx2.Client, tmp_path: Path
) -> None:
    answer = client.get("/many", params={"path": str(tmp_path / "runs"), "count": 20})

    assert answer.json() == list(range(20))
    assert sorted(map(int, lines(tmp_path / "runs"))) == list(range(20))


def test_more_calls_than_may_wait_are_refused(
    client: httpx2.Client,
    name: str,
    tmp_path: Path,
) -> None:
    if name == SERVE_RUN:
        pytest.skip("one process is never full")
    answer = client.get("/short", params={"path": str(tmp_path / "runs")})

    refused = "Request dropped due to backpressure (num_queued_requests=1, max_queued_requests=1)."
    assert answer.json() == [refused, "done", "done"]
    assert lines(tmp_path / "runs") == ["begun"] * 2


def test_work_is_left_behind(client: httpx2.Client, tmp_path: Path) -> None:
    path = tmp_path / "work"
    answer = client.get("/train", params={"path": str(path), "word": "once"})

    assert answer.json() == "accepted"
    wait_for(path, 1)
    assert lines(path) == ["once"]


def test_work_that_fails_is_done_again_as_often_as_lambda_would(
    client: httpx2.Client,
    name: str,
    tmp_path: Path,
) -> None:
    path = tmp_path / "work"
    assert client.get("/train", params={"path": str(path)}).json() == "accepted"

    wait_for(path, 2 if name == ADAPTER_RUN else 1)
    other = tmp_path / "other"
    client.get("/train", params={"path": str(other), "word": "after it"})
    wait_for(other, 1)
    assert lines(path) == ["trained"] * (2 if name == ADAPTER_RUN else 1)


def test_arguments_and_results_may_be_large(client: httpx2.Client) -> None:
    size = 5 * 1024 * 1024  # characters of two bytes

    assert client.get("/large", params={"size": size}).json() == 2 * size

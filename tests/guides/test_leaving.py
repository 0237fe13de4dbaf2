"""Clients that leave, as in the HTTP guide's examples; `tests/e2e/test_disconnects.py` has more."""

import http.client
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import yaml

from tests.guides.http_guide import LEAVING
from tests.running import Run, adapter_run

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("leaving")
    (folder / "program.py").write_text(LEAVING)
    names = ("waiting", "shielded", "endless")
    applications = [
        {"name": name, "route_prefix": f"/{name}", "import_path": f"program:{name}"}
        for name in names
    ]
    (folder / "config.yaml").write_text(yaml.safe_dump({"applications": applications}))
    run = adapter_run("config.yaml", folder=folder)
    yield run
    assert run.stop() == 0


def ask(run: Run, path: str) -> http.client.HTTPConnection:
    url = urlsplit(run.http_url)
    connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=PATIENCE_S)
    connection.request("GET", path)
    return connection


def until_it_says(run: Run, text: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not any(text in str(record.get("text", "")) for record in list(run.records)):
        if time.monotonic() > end:
            pytest.fail(f"nobody said {text!r}: {run.records}")
        time.sleep(0.01)


def test_a_function_is_cancelled(served: Run) -> None:
    connection = ask(served, "/waiting")
    until_it_says(served, "waits: received")

    connection.close()

    until_it_says(served, "waits: cancelled")


def test_a_request_is_cancelled_and_what_it_shields_is_not(served: Run) -> None:
    connection = ask(served, "/shielded")
    until_it_says(served, "shielded: received")

    connection.close()

    until_it_says(served, "shielded: cancelled")
    until_it_says(served, "shielded: finished")


def test_a_streams_generator_is_cancelled(served: Run) -> None:
    connection = ask(served, "/endless")
    response = connection.getresponse()
    assert response.read(2) == b"01"

    response.close()
    connection.close()

    until_it_says(served, "endless: cancelled")

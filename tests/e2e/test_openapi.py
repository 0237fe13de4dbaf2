"""The example, asked for all that its OpenAPI schema allows and for much that it forbids.

schemathesis reads `/openapi.json` from a running `adapter run` and makes up the requests. They go
through the HTTP API and through the function URL.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.running import Run, adapter_run

ROOT = Path(__file__).parent.parent.parent
FRONTS = ["", "/_url/Gateway"]
WITH_INPUT = ["POST /analyze", "POST /summarize", "GET /sentiment"]
OPERATIONS = ["GET /", *WITH_INPUT]

ALWAYS: list[CheckFunction] = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Left out for what is forbidden: FastAPI answers a body that is no text with a 400 that its schema
# does not mention.
WHERE_ALLOWED: list[CheckFunction] = [status_code_conformance, positive_data_acceptance]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    running = adapter_run("text_service:app", "--app-dir", "examples", folder=ROOT)
    yield running
    running.stop()


def schema_at(url: str) -> Any:
    # Not the settings of a schemathesis.toml that may lie around.
    return schemathesis.openapi.from_url(f"{url}/openapi.json", config=schemathesis.Config())


def ask(url: str, label: str, mode: GenerationMode, checks: list[CheckFunction]) -> None:
    """Send requests to one operation until a check fails or there have been enough."""
    operation = schema_at(url).find_operation_by_label(label)

    # Hypothesis itself derandomizes where the variable CI is set.
    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers_well(case: Any) -> None:
        case.call_and_validate(
            base_url=url,
            checks=checks,
            timeout=60,
        )

    answers_well()


def test_every_operation_of_the_example_is_asked(run: Run) -> None:
    operations = schema_at(run.http_url).get_all_operations()

    assert {operation.ok().label for operation in operations} == set(OPERATIONS)


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("label", OPERATIONS)
def test_what_the_schema_allows_is_answered_as_it_says(run: Run, label: str, front: str) -> None:
    ask(run.http_url + front, label, GenerationMode.POSITIVE, ALWAYS + WHERE_ALLOWED)


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("label", WITH_INPUT)
def test_what_the_schema_forbids_is_never_a_server_error(run: Run, label: str, front: str) -> None:
    ask(run.http_url + front, label, GenerationMode.NEGATIVE, ALWAYS)

"""The values that pass through the local Lambda."""

import json
import re

import pytest

from adapter.local.invocation import (
    Invocation,
    error_message_of,
    error_type_of,
    failure,
    function_arn,
    new_trace_id,
    too_large,
)


def test_a_failure_is_an_error_object_of_lambdas() -> None:
    answer = failure("Sandbox.Timedout", "too slow")

    assert answer.error_type == "Sandbox.Timedout"
    assert json.loads(answer.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "too slow",
    }


def test_a_response_that_is_too_large_says_how_large_it_may_be() -> None:
    answer = too_large(5)

    assert answer.error_type == "Function.ResponseSizeTooLarge"
    assert "(5 bytes)" in json.loads(answer.payload)["errorMessage"]


@pytest.mark.parametrize(
    ("payload", "error_type", "message"),
    [
        (b'{"errorType": "KeyError", "errorMessage": "x"}', "KeyError", "x"),
        (b'{"errorType": null}', "Unhandled", ""),
        (b"[1]", "Unhandled", ""),
        (b"\xff", "Unhandled", ""),
        (b"[" * 200_000, "Unhandled", ""),
    ],
)
def test_error_objects_are_read_whatever_they_are(
    payload: bytes,
    error_type: str,
    message: str,
) -> None:
    assert (error_type_of(payload), error_message_of(payload)) == (error_type, message)


def test_functions_are_in_the_region_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")

    assert function_arn("Echo", "live") == (
        "arn:aws:lambda:eu-central-1:123456789012:function:Echo:live"
    )


def test_each_invocation_has_ids_of_its_own() -> None:
    first, second = (Invocation(payload=b"", function_arn="") for _ in range(2))

    assert first.request_id != second.request_id
    assert first.trace_id != second.trace_id
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Sampled=0", new_trace_id())

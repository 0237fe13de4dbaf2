"""Lambda's API as real boto3 clients use it."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from botocore.exceptions import ClientError

from adapter.local.invocation import MAX_EVENT_PAYLOAD, MAX_PAYLOAD
from adapter.plan.values import Concurrency
from tests.local.world import (
    ECHO,
    GATED,
    RAISE,
    Gate,
    Served,
    application_plan,
    function_plan,
    serving,
)

CONTEXT = """
def handler(event, context):
    client = context.client_context
    return {
        "arn": context.invoked_function_arn,
        "request_id": context.aws_request_id,
        "custom": client.custom if client else None,
    }
"""
PATH = "/2015-03-31/functions"


async def _error(served: Served, **call: Any) -> tuple[ClientError, dict[str, Any]]:
    with pytest.raises(ClientError) as caught:
        await asyncio.to_thread(served.client.invoke, **call)
    return caught.value, dict(caught.value.response["Error"])


async def _post(served: Served, path: str, **request: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=served.server.lambda_url) as client:
        return await client.post(path, **request)


async def test_invoke_returns_the_result() -> None:
    async with serving(application_plan(function_plan())) as served:
        answer = await served.invoke(payload={"text": "ü"})

    assert (answer["StatusCode"], answer["Payload"]) == (200, {"text": "ü"})
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    assert "LogResult" not in answer


async def test_invoke_without_payload_sends_an_empty_object() -> None:
    async with serving(application_plan(function_plan())) as served:
        response = await _post(served, f"{PATH}/Echo/invocations")

    assert response.json() == {}


@pytest.mark.parametrize(
    "name",
    [
        "Echo",
        "Echo:$LATEST",
        "123456789012:function:Echo",
        "arn:aws:lambda:us-east-1:123456789012:function:Echo",
        "arn:aws:lambda:us-east-1:123456789012:function:Echo:live",
    ],
)
async def test_a_function_is_found_by_every_form_of_its_name(name: str) -> None:
    plan = function_plan(concurrency=Concurrency(provisioned=1))
    async with serving(application_plan(plan)) as served:
        answer = await served.invoke(name, payload=1)

    assert answer["Payload"] == 1


async def test_the_alias_of_provisioned_concurrency_is_a_qualifier() -> None:
    plan = function_plan(CONTEXT, concurrency=Concurrency(provisioned=1))
    async with serving(application_plan(plan)) as served:
        answer = await served.invoke(Qualifier="live")

    assert answer["ExecutedVersion"] == "1"
    assert answer["Payload"]["arn"].endswith(":function:Echo:live")


@pytest.mark.parametrize("call", [{"FunctionName": "Nobody"}, {"FunctionName": "Echo:live"}])
async def test_an_unknown_function_or_alias_is_not_found(call: dict[str, str]) -> None:
    async with serving(application_plan(function_plan())) as served:
        error, facts = await _error(served, **call)

        assert isinstance(error, served.client.exceptions.ResourceNotFoundException)
    assert facts["Message"].startswith("Function not found: arn:aws:lambda:us-east-1:123456789012:")
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404


async def test_a_name_that_is_none_is_an_invalid_parameter() -> None:
    async with serving(application_plan(function_plan())) as served:
        response = await _post(served, f"{PATH}/a%20b/invocations", content="{}")

    assert response.status_code == 400
    assert response.headers["x-amzn-errortype"] == "InvalidParameterValueException"


async def test_a_function_error_is_an_answer() -> None:
    async with serving(application_plan(function_plan(RAISE))) as served:
        answer = await served.invoke()
        (record,) = served.records.of("invocation")

    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert answer["Payload"]["errorType"] == "KeyError"
    assert (record["status"], record["error"]) == ("error", "KeyError")


async def test_dry_run_runs_nothing() -> None:
    async with serving(application_plan(function_plan())) as served:
        answer = await served.invoke(InvocationType="DryRun")
        environments = served.server.functions["Echo"].environments

    assert answer["StatusCode"] == 204
    assert not environments


async def test_an_unknown_invocation_type_is_refused() -> None:
    async with serving(application_plan(function_plan())) as served:
        headers = {"x-amz-invocation-type": "Later"}
        response = await _post(served, f"{PATH}/Echo/invocations", content="{}", headers=headers)

    assert response.status_code == 400
    assert response.headers["x-amzn-errortype"] == "InvalidParameterValueException"


async def test_an_event_is_accepted_before_it_runs(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    async with serving(application_plan(function_plan(GATED))) as served:
        answer = await served.invoke(payload={"gate": gate.path}, InvocationType="Event")
        async with gate.holding():
            before = served.records.of("invocation")
        (record,) = await served.records.wait_for("invocation")

    assert answer["StatusCode"] == 202
    assert before == []
    assert (record["label"], record["status"]) == ("Event", "ok")


async def test_a_failing_event_is_repeated_twice_with_the_same_request_id() -> None:
    plan = application_plan(function_plan(RAISE))
    async with serving(plan, retry_delays_s=(0, 0)) as served:
        await served.invoke(payload={"method": "predict"}, InvocationType="Event")
        records = await served.records.wait_for("invocation", 3)

    assert [record["label"] for record in records] == [
        "Event predict",
        "Event predict (retry 1)",
        "Event predict (retry 2)",
    ]
    assert len({record["request_id"] for record in records}) == 1
    assert {record["error"] for record in records} == {"KeyError"}


async def test_an_event_that_works_the_second_time_is_not_repeated_again(tmp_path: Path) -> None:
    source = f"""
from pathlib import Path

def handler(event, context):
    mark = Path({str(tmp_path)!r}, "mark")
    if not mark.exists():
        mark.touch()
        raise ValueError("once")
"""
    plan = application_plan(function_plan(source))
    async with serving(plan, retry_delays_s=(0, 0)) as served:
        await served.invoke(InvocationType="Event")
        records = await served.records.wait_for("invocation", 2)
        await served.invoke(payload={}, InvocationType="RequestResponse")

    assert [record["status"] for record in records] == ["error", "ok"]
    assert len(served.records.of("invocation")) == 3


async def test_above_the_reserved_concurrency_there_are_too_many_requests(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    plan = function_plan(GATED, concurrency=Concurrency(maximum=1))
    async with serving(application_plan(plan)) as served:
        held = asyncio.create_task(served.invoke(payload={"gate": gate.path}))
        async with gate.holding():
            error, facts = await _error(served, FunctionName="Echo", Payload="{}")
        await held

        assert isinstance(error, served.client.exceptions.TooManyRequestsException)
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert dict(error.response)["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert facts["Message"] == "Rate Exceeded."
    assert served.records.of("invocation")[0]["error"] == "TooManyRequestsException"


@pytest.mark.parametrize(
    ("kind", "limit"),
    [("RequestResponse", MAX_PAYLOAD), ("Event", MAX_EVENT_PAYLOAD)],
)
async def test_a_payload_above_the_limit_is_too_large(kind: str, limit: int) -> None:
    source = "def handler(event, context):\n    return len(event)\n"
    async with serving(application_plan(function_plan(source))) as served:
        largest = json.dumps("x" * (limit - 2))
        response = await _post(
            served,
            f"{PATH}/Echo/invocations",
            content=largest,
            headers={"x-amz-invocation-type": kind},
        )
        error, facts = await _error(
            served,
            FunctionName="Echo",
            Payload=largest + " ",
            InvocationType=kind,
        )

        assert isinstance(error, served.client.exceptions.RequestTooLargeException)
    assert response.status_code in {200, 202}
    assert str(limit) in facts["Message"]


async def test_a_response_above_the_limit_is_a_function_error() -> None:
    source = "def handler(event, context):\n    return 'x' * event\n"
    async with serving(application_plan(function_plan(source))) as served:
        largest = await served.invoke(payload=MAX_PAYLOAD - 2)
        above = await served.invoke(payload=MAX_PAYLOAD - 1)

    assert len(largest["Payload"]) == MAX_PAYLOAD - 2
    assert above["FunctionError"] == "Unhandled"
    assert above["Payload"]["errorType"] == "Function.ResponseSizeTooLarge"


@pytest.mark.parametrize("payload", ["{", "text", "[" * 200_000])
async def test_a_payload_that_is_no_json_is_invalid_content(payload: str) -> None:
    async with serving(application_plan(function_plan())) as served:
        error, facts = await _error(served, FunctionName="Echo", Payload=payload)

        assert isinstance(error, served.client.exceptions.InvalidRequestContentException)
    assert facts["Message"].startswith("Could not parse request body into json")


async def test_the_client_context_reaches_the_function() -> None:
    context = base64.b64encode(json.dumps({"custom": {"a": "ü"}}).encode()).decode()
    async with serving(application_plan(function_plan(CONTEXT))) as served:
        answer = await served.invoke(ClientContext=context)
        error, _ = await _error(served, FunctionName="Echo", ClientContext="@@@")

        assert isinstance(error, served.client.exceptions.InvalidRequestContentException)
    assert answer["Payload"]["custom"] == {"a": "ü"}
    assert answer["Payload"]["request_id"] == answer["ResponseMetadata"]["RequestId"]


async def test_the_log_tail_comes_back_on_request() -> None:
    source = "def handler(event, context):\n    print('seen', event)\n"
    async with serving(application_plan(function_plan(source))) as served:
        answer = await served.invoke(payload=7, LogType="Tail")

    log = base64.b64decode(answer["LogResult"]).decode()
    assert log.startswith("START RequestId: ")
    assert "\nseen 7\nEND RequestId: " in log


async def test_the_trace_of_the_caller_goes_on() -> None:
    source = (
        "import os\ndef handler(event, context):\n    return os.environ.get('_X_AMZN_TRACE_ID')\n"
    )
    headers = {"x-amzn-trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793"}
    async with serving(application_plan(function_plan(source))) as served:
        given = await _post(served, f"{PATH}/Echo/invocations", content="{}", headers=headers)
        made = await _post(served, f"{PATH}/Echo/invocations", content="{}")

    assert given.json() == headers["x-amzn-trace-id"]
    assert made.json().startswith("Root=1-")


async def test_a_call_is_logged_with_its_method_and_caller() -> None:
    call = {"method": "predict", "args": [1], "context": {"caller": "Gateway"}}
    events: list[Any] = [call, {"args": []}, {"method": 5}, {"other": 1}, [1]]
    async with serving(application_plan(function_plan())) as served:
        for event in events:
            await served.invoke(payload=event)
        records = served.records.of("invocation")

    assert [(record["label"], record["caller"]) for record in records] == [
        ("predict", "Gateway"),
        ("__call__", ""),
        ("__call__", ""),
        ("Invoke", ""),
        ("Invoke", ""),
    ]


async def test_functions_are_listed_with_their_settings() -> None:
    plans = [
        function_plan(name="Zeta", is_ingress=False),
        function_plan(
            memory_mb=1024,
            timeout_s=7,
            environment={"ADAPTER_APPLICATION": "default", "ADAPTER_INGRESS": "Echo"},
        ),
    ]
    async with serving(application_plan(*plans, ingress="Echo")) as served:
        listed = await asyncio.to_thread(served.client.list_functions)

    echo, zeta = listed["Functions"]
    assert (echo["FunctionName"], zeta["FunctionName"]) == ("Echo", "Zeta")
    assert echo["FunctionArn"] == "arn:aws:lambda:us-east-1:123456789012:function:Echo"
    assert (echo["MemorySize"], echo["Timeout"], echo["Handler"]) == (1024, 7, "app.handler")
    assert echo["Environment"]["Variables"]["ADAPTER_INGRESS"] == "Echo"


async def test_one_function_is_described() -> None:
    async with serving(application_plan(function_plan())) as served:
        got = await asyncio.to_thread(served.client.get_function, FunctionName="Echo")
        configuration = await asyncio.to_thread(
            served.client.get_function_configuration,
            FunctionName="Echo",
            Qualifier="$LATEST",
        )
        with pytest.raises(served.client.exceptions.ResourceNotFoundException):
            await asyncio.to_thread(served.client.get_function, FunctionName="Nobody")

    assert got["Configuration"]["FunctionName"] == "Echo"
    assert configuration["FunctionArn"].endswith(":function:Echo:$LATEST")


async def test_what_is_not_served_is_an_unknown_operation() -> None:
    async with serving(application_plan(function_plan())) as served:
        response = await _post(served, f"{PATH}/Echo/versions", content="{}")

    assert response.status_code == 404
    assert response.headers["x-amzn-errortype"] == "UnknownOperationException"


async def test_functions_of_several_applications_are_reachable() -> None:
    other = function_plan(ECHO, name="other-Echo")
    plans = [
        application_plan(function_plan()),
        application_plan(other, name="other", route_prefix="/other"),
    ]
    async with serving(*plans) as served:
        answers = [await served.invoke(name, payload=name) for name in ("Echo", "other-Echo")]

    assert [answer["Payload"] for answer in answers] == ["Echo", "other-Echo"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"host": "evil.example"},
        {"host": "evil.example:3001"},
        {"host": "127.0.0.1.evil.example"},
    ],
)
async def test_what_a_web_page_may_send_is_refused(headers: dict[str, str]) -> None:
    async with serving(application_plan(function_plan())) as served:
        answer = await _post(served, f"{PATH}/Echo/invocations", content="{}", headers=headers)

    assert answer.status_code == 403

"""Ray Serve's headers through the function of a deployment: `x-request-id` and time limits."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException, Response
from starlette.requests import Request
from starlette.responses import StreamingResponse

from adapter import serve
from adapter.function import Function, entry_point, lambda_handler
from adapter.http.serve_headers import model_id, timeout_s
from adapter.serve import context
from tests import events
from tests.http.answers import Answer, ask
from tests.http.fronts import FRONTS, Front, answer_of, fronts

Closing = Callable[[Function], Function]
LAMBDA = SimpleNamespace(aws_request_id="id-of-lambda")

app = FastAPI()


@serve.deployment
@serve.ingress(app)
class Gateway:
    @app.get("/")
    async def seen(self, request: Request) -> dict[str, Any]:
        return {
            "header": request.headers.getlist("x-request-id"),
            "context": context.served().request_id,
        }

    @app.get("/own")
    async def own(self, response: Response) -> None:
        response.headers["X-Request-Id"] = "the application's"

    @app.get("/failing")
    async def failing(self) -> None:
        raise LookupError("on purpose")

    @app.get("/teapot")
    async def teapot(self) -> None:
        raise HTTPException(418, headers={"x-tea": "green"})

    @app.get("/slow")
    async def slow(self) -> None:
        await asyncio.Event().wait()

    @app.get("/stream")
    async def stream(self) -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            yield "a"
            yield "b"

        return StreamingResponse(pieces())


def made(closing: Closing) -> Function:
    return closing(entry_point(Gateway))


@pytest.fixture
def function(closing: Closing) -> Function:
    return made(closing)


def asked(function: Function, path: str = "/", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer.of(function(events.http_api(path=path, headers=named), LAMBDA))


def request_ids(answer: Answer) -> list[str]:
    return answer.headers["x-request-id"]


def test_the_id_of_the_client_comes_back(function: Function) -> None:
    answer = asked(function, x_request_id="mine.1~2_3-4")

    assert request_ids(answer) == ["mine.1~2_3-4"]
    assert answer.json == {"header": ["mine.1~2_3-4"], "context": "mine.1~2_3-4"}


def test_without_one_it_is_that_of_the_invocation(function: Function) -> None:
    answer = asked(function)

    assert request_ids(answer) == ["id-of-lambda"]
    assert answer.json == {"header": ["id-of-lambda"], "context": "id-of-lambda"}


def test_without_an_invocation_it_is_made_up(function: Function) -> None:
    first, second = (request_ids(ask(function, events.http_api())) for _ in range(2))

    assert [str(uuid.UUID(identifier)) for identifier in first] == first
    assert first != second


@pytest.mark.parametrize(
    "doubtful",
    ["", "a b", "a,b", "a\tb", "é", "<script>", 'a"b', "a\\b", "x" * 201, "a/b"],
)
def test_an_id_that_is_no_plain_token_is_replaced(function: Function, doubtful: str) -> None:
    answer = asked(function, x_request_id=doubtful)

    assert request_ids(answer) == ["id-of-lambda"]
    assert answer.json == {"header": ["id-of-lambda"], "context": "id-of-lambda"}


def test_the_longest_id_has_200_characters(function: Function) -> None:
    assert request_ids(asked(function, x_request_id="x" * 200)) == ["x" * 200]


def test_of_two_ids_none_counts(function: Function) -> None:
    event = events.rest_v1()
    event["multiValueHeaders"]["x-request-id"] = ["one", "two"]
    answer = Answer.of(function(event, LAMBDA))

    assert set(request_ids(answer)) == {"id-of-lambda"}
    assert answer.json["header"] == ["id-of-lambda"]


def test_an_application_may_set_it_itself(function: Function) -> None:
    assert request_ids(asked(function, "/own", x_request_id="mine")) == ["the application's"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/failing", 500), ("/teapot", 418), ("/nowhere", 404), ("/stream", 200)],
)
def test_every_response_has_it(function: Function, path: str, status: int) -> None:
    answer = asked(function, path, x_request_id="mine")

    assert (answer.status, request_ids(answer)) == (status, ["mine"])


@fronts(*FRONTS)
def test_every_front_door_passes_it_on(function: Function, front: Front) -> None:
    result = function(front.make(headers=(("x-request-id", "mine"),)), LAMBDA)

    assert request_ids(answer_of(result)) == ["mine"]


def test_a_refused_request_has_the_id_of_the_invocation(function: Function) -> None:
    event = events.http_api(headers={"host": "no host"})
    answer = Answer.of(function(event, LAMBDA))

    assert (answer.status, request_ids(answer)) == (400, ["id-of-lambda"])


def test_a_plain_deployment_has_it_too(closing: Closing) -> None:
    def plain(request: Request) -> str:
        return request.headers["x-request-id"]

    answer = asked(closing(entry_point(plain)), x_request_id="mine")

    assert (answer.text, request_ids(answer)) == ("mine", ["mine"])


def test_a_bare_application_is_left_alone(closing: Closing) -> None:
    bare = FastAPI()

    @bare.get("/")
    def seen(request: Request) -> list[str]:
        return request.headers.getlist("x-request-id")

    answer = asked(closing(lambda_handler(bare)), x_request_timeout_seconds="0.001")

    assert "x-request-id" not in answer.headers
    assert answer.json == []


def test_a_call_has_the_id_that_its_caller_names(closing: Closing) -> None:
    class Named:
        def __call__(self) -> str:
            return context.served().request_id

    function = closing(entry_point(Named))
    call = {"args": [], "context": {"request_id": "of-the-client"}}

    assert function(call, LAMBDA) == "of-the-client"
    assert function({"args": []}, LAMBDA) == "id-of-lambda"
    for doubtful in ("a b", "x" * 201, 3, None, ["a"]):
        call = {"args": [], "context": {"request_id": doubtful}}
        assert function(call, LAMBDA) == "id-of-lambda"


# Time limits.


@pytest.fixture
def unlimited(closing: Closing, monkeypatch: pytest.MonkeyPatch) -> Function:
    monkeypatch.delenv("ADAPTER_REQUEST_TIMEOUT_S", raising=False)
    return made(closing)


@pytest.fixture
def limited(closing: Closing, monkeypatch: pytest.MonkeyPatch) -> Function:
    monkeypatch.setenv("ADAPTER_REQUEST_TIMEOUT_S", "0.05")
    return made(closing)


def test_a_client_may_limit_its_request(unlimited: Function) -> None:
    answer = asked(unlimited, "/slow", x_request_timeout_seconds="0.05", x_request_id="mine")

    assert (answer.status, answer.text) == (408, "Request mine timed out after 0.05s.")
    assert request_ids(answer) == ["mine"]


def test_a_shorter_limit_of_the_client_counts(limited: Function) -> None:
    answer = asked(limited, "/slow", x_request_timeout_seconds="0.01")

    assert answer.text == "Request id-of-lambda timed out after 0.01s."


@pytest.mark.parametrize("unreadable", ["", "soon", "1,2", "é", "0x1"])
def test_a_limit_that_is_no_number_is_ignored(limited: Function, unreadable: str) -> None:
    answer = asked(limited, "/slow", x_request_timeout_seconds=unreadable)

    assert answer.text == "Request id-of-lambda timed out after 0.05s."


def until(deadline_ms: int) -> Any:
    return SimpleNamespace(aws_request_id="id-of-lambda", deadline_ms=deadline_ms)


@pytest.mark.parametrize("none", ["0", "-1", "nan", "inf", "1e400", "1000000"])
def test_a_limit_may_be_lifted_but_never_that_of_the_function(
    limited: Function,
    none: str,
) -> None:
    event = events.http_api(path="/slow", headers={"x-request-timeout-seconds": none})
    answer = Answer.of(limited(event, until(1)))  # which is long over

    assert (answer.status, answer.text) == (504, "Gateway Timeout")
    assert request_ids(answer) == ["id-of-lambda"]


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ([], 7.0),
        ([b"2"], 2.0),
        ([b"1e-3"], 0.001),
        ([b"0"], None),
        ([b"-1"], None),
        ([b"nan"], None),
        ([b"inf"], None),
        ([b"\xff"], 7.0),
        ([b"1", b"2"], 2.0),
    ],
)
def test_how_long_a_request_may_take(sent: list[bytes], seconds: float | None) -> None:
    headers = [(b"x-request-timeout-seconds", value) for value in sent]

    assert timeout_s(headers, 7.0) == seconds


@pytest.mark.parametrize("name", [b"serve_multiplexed_model_id", b"serve-multiplexed-model-id"])
def test_which_model_a_request_is_for(name: bytes) -> None:
    assert model_id([(b"accept", b"*/*"), (name, b"m1")]) == "m1"
    assert model_id([(b"accept", b"*/*")]) == ""

"""Who does not do the work is not measured."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import cold_start, handler, runtime_loop, streaming
from bench.support import events
from bench.support.environment import Contender, ours, rival, running, web_adapter
from bench.support.result import WrongAnswer
from bench.support.runtime_api import Served

pytestmark = pytest.mark.skipif(
    sys.platform != "linux",
    reason="the benchmarks read /proc, and awslambdaric is built for Linux",
)

WEB_ADAPTER = f"""#!{sys.executable}
import http.client, json, os, time
api = os.environ["AWS_LAMBDA_RUNTIME_API"]
extension = http.client.HTTPConnection(api)
extension.request("POST", "/2020-01-01/extension/register", body=b'{{"events":[]}}')
with extension.getresponse() as answer:
    assert answer.headers["Lambda-Extension-Identifier"]
while True:
    server = http.client.HTTPConnection("127.0.0.1", int(os.environ["AWS_LWA_PORT"]))
    try:
        server.request("GET", os.environ["AWS_LWA_READINESS_CHECK_PATH"])
        server.getresponse().read()
        break
    except OSError:
        time.sleep(0.02)
runtime = http.client.HTTPConnection(api)
while True:
    runtime.request("GET", "/2018-06-01/runtime/invocation/next")
    invocation = runtime.getresponse()
    event = json.load(invocation)
    server.request("GET", event["rawPath"] + "?" + event["rawQueryString"])
    answer = server.getresponse()
    result = json.dumps({{"statusCode": answer.status, "body": answer.read().decode()}})
    path = invocation.headers["Lambda-Runtime-Aws-Request-Id"] + "/response"
    runtime.request("POST", "/2018-06-01/runtime/invocation/" + path, result)
    runtime.getresponse().read()
"""


@pytest.mark.parametrize("start", [ours, rival])
def test_a_runtime_that_answers_something_else_is_refused(start: Callable[..., object]) -> None:
    contender = start("plain.handler")
    with running(contender, sys.executable) as environment:  # type: ignore[arg-type]
        served = environment.serve([runtime_loop.EVENT])

    runtime_loop.check("it", "plain handler", served)
    with pytest.raises(WrongAnswer, match="it answered"):
        runtime_loop.check("it", "FastAPI", served)


def test_a_handler_that_answers_something_else_is_refused() -> None:
    event = events.http_api("/items/7")
    with handler.calling("bench.handlers.plain:handler", event, sys.executable) as process:
        _, _, answer = process.call(2)

    handler.check("it", answer, {"hello": "you"})
    with pytest.raises(WrongAnswer, match="it answered"):
        handler.check("it", answer, handler.ITEM)


def test_a_first_answer_that_is_another_is_refused() -> None:
    case = cold_start.Case(ours("plain.handler"), (), b"{}", {"hello": "you"}, cold_start.body)
    wrong = Served("1", b"", outcome="response", body=b'{"statusCode":200,"body":"{}"}')
    failed = Served("1", b"", outcome="error", body=b'{"errorType":"LookupError"}')

    for served in (wrong, failed):
        with pytest.raises(WrongAnswer):
            cold_start.check("it", case, served)


def test_a_stream_with_parts_missing_is_refused() -> None:
    served = Served("1", b"", outcome="response", streamed=True, pieces=[(2.0, b"1.5\n")])

    assert streaming.check("it", served, 1) == [(2.0, 1.5)]
    with pytest.raises(WrongAnswer, match="1 parts"):
        streaming.check("it", served, 3)


def test_a_function_that_cannot_start_says_why() -> None:
    contender = ours("no_such_module.handler")
    with (
        running(contender, sys.executable, output=False) as environment,
        pytest.raises(RuntimeError, match="no_such_module"),
    ):
        environment.serve([runtime_loop.EVENT])


def test_a_function_that_ends_at_once_is_not_waited_for() -> None:
    contender = Contender("it", ("-c", "exit()"), "plain.handler")
    with (
        running(contender, sys.executable) as environment,
        pytest.raises(RuntimeError, match="0 of 1 answers"),
    ):
        environment.serve([runtime_loop.EVENT])


def test_the_lambda_web_adapter_competes_where_its_program_is_given(tmp_path: Path) -> None:
    program = tmp_path / "lambda-adapter"
    program.write_text(WEB_ADAPTER, encoding="utf-8")
    program.chmod(0o755)
    with running(web_adapter(program), sys.executable) as environment:
        served = environment.serve([runtime_loop.EVENT] * 3)
        assert len(environment.processes()) == 2

    runtime_loop.check("it", "FastAPI", served)
    assert json.loads(served[0].body)["statusCode"] == 200

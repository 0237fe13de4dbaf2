"""No client, function or exception writes a second line into the log, or steers its terminal."""

import base64
import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.local.events import EventQueue
from adapter.local.function_url import UrlIntegration
from adapter.local.http_front import HttpFront, HttpRoute
from adapter.local.invocation import Answer, failure
from adapter.local.lambda_api import LambdaApi
from adapter.local.log import InvocationRecord, Level, Log
from adapter.local.process import STDERR, STDOUT
from tests.hostile import ANY_TEXT, TABLE, is_one_line
from tests.local.scripted import Client, Scripted, listening, prelude

HOSTILE = pytest.mark.parametrize("text", TABLE.values(), ids=TABLE.keys())
COLORS = re.compile("\x1b\\[[0-9;:]*m")


def tell(log: Log, text: str) -> int:
    """Tell everything that a log is told, with `text` wherever others choose it; count it."""
    record: dict[str, Any] = {
        "function": "Gateway",
        "label": f"GET /{text}",
        "status": "200",
        "request_id": "the-id",
        "caller": text,
        "error": text,
        "streamed": True,
        "bytes": 1,
        "note": "note",
    }
    log.invocation(InvocationRecord(**record))
    log.init("Gateway", 1.0, {text: 2.0})
    log.init_failed("Gateway", 1.0, text)
    log.problem("Gateway", "crash", text)
    return 4


@HOSTILE
@pytest.mark.parametrize("color", [False, True])
def test_a_record_is_one_line_for_people(text: str, color: bool) -> None:  # noqa: FBT001 - a case
    lines: list[str] = []
    count = tell(Log(lines.append, level=Level.VERBOSE, color=color), text)
    shown = [COLORS.sub("", line) if color else line for line in lines]

    assert len(lines) == count
    assert all(map(is_one_line, shown))


@HOSTILE
def test_a_record_is_one_object_for_tools(text: str) -> None:
    lines: list[str] = []
    count = tell(Log(lines.append, as_json=True), text)

    assert len(lines) == count
    assert all(map(is_one_line, lines))
    assert json.loads(lines[0])["label"] == f"GET /{text}"
    assert json.loads(lines[3])["reason"] == text


@given(ANY_TEXT)
@settings(deadline=None, max_examples=300)
def test_no_text_is_more_than_one_line(text: str) -> None:
    people: list[str] = []
    tools: list[str] = []
    tell(Log(people.append, level=Level.VERBOSE), text)
    tell(Log(tools.append, as_json=True), text)

    assert all(map(is_one_line, people + tools))
    assert [json.loads(line)["type"] for line in tools] == [
        "invocation",
        "init",
        "init_failed",
        "crash",
    ]


def output(line: bytes, **settings: Any) -> list[str]:
    lines: list[str] = []
    log = Log(lines.append, **settings)
    log.output("Gateway", STDERR, line)
    return lines


@HOSTILE
def test_what_a_function_prints_is_told_under_its_name(text: str) -> None:
    printed = text.encode("utf-8", "surrogatepass")
    people, colored = output(printed), output(printed, color=True)
    (tools,) = output(printed, as_json=True)

    assert all(is_one_line(line) and "  Gateway  │ " in line for line in people)
    assert all(is_one_line(COLORS.sub("", line)) for line in colored)
    assert len(people) == len(colored) == text.count("\r") + 1
    assert is_one_line(tools)
    assert json.loads(tools)["text"] == printed.decode("utf-8", "replace")


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_no_bytes_of_a_function_draw_on_the_terminal(printed: bytes) -> None:
    assert all(map(is_one_line, output(printed)))
    assert all(is_one_line(COLORS.sub("", line)) for line in output(printed, color=True))


def test_colours_of_a_function_are_kept_where_the_log_has_some_and_end_with_the_line() -> None:
    printed = b"\x1b[31mred\x1b[1mbold"
    (plain,), (colored,) = output(printed), output(printed, color=True)

    assert plain.endswith("│ redbold")
    assert colored.endswith(" \x1b[31mred\x1b[1mbold\x1b[0m")


@pytest.mark.parametrize("printed", ["\tü → 中", "👩‍🔬 می‌خواهم \ue0b0"])
def test_text_of_a_function_is_shown_as_it_is(printed: str) -> None:
    (line,) = output(printed.encode())

    assert line.endswith(f"│ {printed}")


def test_what_a_failed_reload_quotes_keeps_its_lines_and_draws_nothing() -> None:
    lines: list[str] = []
    Log(lines.append).notice("reload_failed", "one\ntwo \x1b[2J\u2028", failed=True)

    assert lines == ["one\ntwo \\x1b[2J\\u2028"]


def test_what_others_chose_does_not_fill_the_screen() -> None:
    lines: list[str] = []
    tell(Log(lines.append), "x" * 10_000)

    assert len(lines[0]) < 1000


@pytest.mark.parametrize("as_json", [False, True])
async def test_a_request_is_one_line(as_json: bool) -> None:  # noqa: FBT001 - a case
    lines: list[str] = []
    function = Scripted()
    front = HttpFront(Log(lines.append, as_json=as_json))
    front.routes = [HttpRoute(prefix="/", name="Echo", function=function)]
    front.urls = {"Echo": UrlIntegration(name="Echo", function=function, streams=True)}
    async with listening(front) as url:
        for text in TABLE.values():
            function.answer = failure(text, text)
            path = quote(text.encode("utf-8", "surrogatepass"), safe="")
            for target in (f"/{path}?{path}", f"/_url/Echo/{path}", f"/_url/{path}/x"):
                async with Client.of(url) as client:
                    client.ask(target)
                    await client.head()
    await front.close()

    assert len(lines) == 3 * len(TABLE)
    assert all(map(is_one_line, lines))


async def test_a_malformed_answer_is_a_line_more() -> None:
    lines: list[str] = []
    log = Log(lines.append)
    whole, streamed = Scripted(), Scripted()
    front = HttpFront(log)
    front.routes = [
        HttpRoute(prefix="/whole", name="Whole", function=whole),
        HttpRoute(prefix="/streamed", name="Streamed", function=streamed),
    ]
    async with listening(front) as url:
        for text in TABLE.values():
            result = {"statusCode": 200, "headers": {f"{text}:": text}}
            whole.answer = Answer(payload=json.dumps(result).encode())
            streamed.send(prelude(json.dumps({"headers": {text: [text]}})))
            streamed.end()
            for path in ("/whole", "/streamed"):
                async with Client.of(url) as client:
                    client.ask(path)
                    await client.head()
    await front.close()

    assert len(lines) == 4 * len(TABLE)
    assert all(map(is_one_line, lines))


@pytest.mark.parametrize("as_json", [False, True])
async def test_an_invoke_is_one_line(as_json: bool) -> None:  # noqa: FBT001 - a case
    lines: list[str] = []
    log = Log(lines.append, as_json=as_json)
    events = EventQueue(log)
    api = LambdaApi(log, events)
    function = Scripted()
    api.functions = {"Echo": function}
    statuses = []
    async with listening(api) as url, Client.of(url) as client:
        for text in TABLE.values():
            function.answer = failure(text, text)
            for name in ("Echo", quote(text.encode("utf-8", "surrogatepass"), safe="")):
                client.writer.write(_invoke(name, text))
                answer = await client.head()
                await client.reader.readexactly(int(answer["content-length"]))
                statuses.append(answer.status)
    await events.close()

    assert statuses[::2] == [200] * len(TABLE)
    assert set(statuses[1::2]) <= {400, 404}  # no function has such a name
    assert len(lines) == len(TABLE)
    assert all(map(is_one_line, lines))


def _invoke(name: str, text: str) -> bytes:
    call = json.dumps({"method": text, "context": {"caller": text}}).encode()
    context = base64.b64encode(json.dumps({"custom": text}).encode()).decode()
    head = (
        f"POST /2015-03-31/functions/{name}/invocations HTTP/1.1\r\nHost: localhost\r\n"
        f"X-Amz-Client-Context: {context}\r\nContent-Length: {len(call)}\r\n\r\n"
    )
    return head.encode() + call


def test_standard_output_is_told_alike() -> None:
    lines: list[str] = []
    Log(lines.append).output("Gateway", STDOUT, b"a\x1b[2J")

    assert lines[0].endswith("│ a\\x1b[2J")

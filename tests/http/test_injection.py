"""What a client or an application writes never becomes a header or a log line of its own."""

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI, Response

from adapter.function import Function, lambda_handler
from adapter.runtime.logs import JsonFormatter, TextFormatter
from tests.http.applications import Headers, answering, echo
from tests.http.fronts import HTTP_API, REST, Front, answer_of, fronts
from tests.http.streams import posted

Closing = Callable[[Function], Function]

HOSTILE_HEADERS: list[tuple[bytes, bytes]] = [
    (b"x-test", b"a\r\nset-cookie: b=1"),
    (b"x-test", b"a\nb"),
    (b"x-test", b"a\rb"),
    (b"x-test", b"a\x00b"),
    (b"x-test", b"a\x1bb"),
    (b"x-test", b"a\x7fb"),
    (b"location", b"/\r\n\r\n<html>"),
    (b"set-cookie", b"a=1\r\nx: y"),
    (b"x\r\ny", b"1"),
    (b"x y", b"1"),
    (b"x:", b"1"),
    (b"", b"1"),
    (b"x\xe9", b"1"),
]


@fronts()
@pytest.mark.parametrize("header", HOSTILE_HEADERS)
def test_a_header_that_would_be_two_is_a_500_and_a_line_in_the_log(  # R7
    closing: Closing,
    front: Front,
    header: tuple[bytes, bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = answer_of(closing(lambda_handler(answering(b"a", headers=[header])))(front.make()))

    assert (answer.status, answer.text) == (500, "Internal Server Error")
    assert list(answer.headers) == ["content-type"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_the_log_names_the_header_and_the_route_and_shows_no_frames(
    closing: Closing,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = FastAPI()

    @app.get("/users/{name}")
    async def show(name: str) -> Response:
        return Response(headers={"x-name": f"{name}\n"})

    answer = answer_of(closing(lambda_handler(app))(HTTP_API.make(path="/users/Ada")))
    (record,) = caplog.records

    assert answer.status == 500
    assert record.exc_info is None
    assert record.getMessage() == (
        f"the response of GET /users/{{name}} ({__name__}.{show.__qualname__}) cannot be sent: "
        "header 'x-name' has a line end or another control character in its value: b'Ada\\n'"
    )


def test_a_path_in_the_log_is_one_line(
    closing: Closing,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = answering(headers=[(b"x y", b"1")])
    closing(lambda_handler(app))(HTTP_API.make(path="/a%0Ab"))

    assert [record.getMessage() for record in caplog.records] == [
        r"the response of GET /a\nb cannot be sent: 'x y' is no name of a header",
    ]


def test_an_application_learns_that_its_header_was_refused(closing: Closing) -> None:  # R7
    refusals: list[Exception] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        try:
            await answering(headers=[(b"x", b"a\r\nb")])(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - whatever the bridge raises
            refusals.append(error)
        await answering(b"instead")(scope, receive, send)

    function = closing(lambda_handler(application, lifespan="off"))

    assert answer_of(function(HTTP_API.make())).text == "instead"
    assert len(refusals) == 1


@pytest.mark.parametrize("header", HOSTILE_HEADERS)
def test_a_header_that_would_be_two_is_a_500_of_a_stream_too(  # R7
    header: tuple[bytes, bytes],
) -> None:
    received = posted(answering(b"a", b"b", headers=[header]))

    assert b'{"statusCode":500,"headers":{"content-type"' in received


HOP_BY_HOP: Headers = [
    (b"connection", b"keep-alive, X-Mine"),
    (b"keep-alive", b"timeout=5"),
    (b"proxy-authenticate", b"Basic"),
    (b"proxy-connection", b"close"),
    (b"te", b"trailers"),
    (b"trailer", b"x-late"),
    (b"Transfer-Encoding", b"chunked"),
    (b"upgrade", b"h2c"),
    (b"x-mine", b"1"),
]


@fronts()
def test_headers_of_the_connection_stay_behind(closing: Closing, front: Front) -> None:  # R7
    app = answering(b"a", headers=[*HOP_BY_HOP, (b"x-kept", b"1")])

    assert list(answer_of(closing(lambda_handler(app))(front.make())).headers) == ["x-kept"]


def test_headers_of_the_connection_stay_behind_in_a_stream() -> None:  # R7
    app = answering(b"a", b"b", headers=[*HOP_BY_HOP, (b"x-kept", b"1")])

    assert b'{"statusCode":200,"headers":{"x-kept":"1"}}' + bytes(8) in posted(app)


LIES = [b"0", b"1", b"3", b"-2", b"2.0", b"0x2", b"2, 2", b" ", b"\xb2", b"1_0"]


@fronts()
@pytest.mark.parametrize("length", LIES)
def test_a_length_that_is_not_the_bodys_is_a_500_and_a_line_in_the_log(  # R7
    closing: Closing,
    front: Front,
    length: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = answering(b"ab", headers=[(b"Content-Length", length)])
    answer = answer_of(closing(lambda_handler(app))(front.make()))

    assert (answer.status, answer.text) == (500, "Internal Server Error")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_two_lengths_are_none(closing: Closing) -> None:  # R7
    app = answering(b"ab", headers=[(b"content-length", b"2"), (b"content-length", b"3")])

    assert answer_of(closing(lambda_handler(app))(HTTP_API.make())).status == 500


@fronts()
def test_a_true_length_leaves_or_is_left_to_the_gateway(  # R7
    closing: Closing,
    front: Front,
) -> None:
    app = answering(b"a", b"b", headers=[(b"content-length", b"2")])
    answer = answer_of(closing(lambda_handler(app))(front.make()))

    assert (answer.status, answer.text) == (200, "ab")
    assert answer.headers.get("content-length", ["2"]) == ["2"]


@pytest.mark.parametrize("length", [b"1", b"3"])
def test_a_stream_of_another_length_never_looks_complete(  # R7
    length: bytes,
) -> None:
    app = answering(b"a", b"b", headers=[(b"content-length", length)])

    assert b"lambda-runtime-function-error-type: " in posted(app)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304)])
def test_a_length_without_a_body_is_what_the_body_would_have(  # R7
    closing: Closing,
    method: str,
    status: int,
) -> None:
    app = answering(b"", status=status, headers=[(b"content-length", b"512")])
    answer = answer_of(closing(lambda_handler(app))(REST.make(method=method)))

    assert (answer.status, answer.headers["content-length"]) == (status, ["512"])


FORGED = "x\r\n[ERROR]\tforged\x1b[2J\u2028\x9b"
ONE_LINE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]*")


@fronts()
@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
@pytest.mark.parametrize("what", ["host", "path", "method", "x-test"])
def test_a_request_cannot_write_a_log_line_of_its_own(  # R9
    closing: Closing,
    front: Front,
    formatter: logging.Formatter,
    what: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "adapter")
    said: Any = {"headers": ((what, FORGED),)} if what in {"host", "x-test"} else {what: FORGED}
    closing(lambda_handler(echo))(front.make(**said))

    for record in caplog.records:
        assert ONE_LINE.fullmatch(formatter.format(record))


def test_the_log_of_a_refused_request_holds_no_body_and_no_credentials(  # R9
    closing: Closing,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    event = HTTP_API.make(
        headers=(("host", "no host"), ("authorization", "Bearer s3cret"), ("cookie", "id=s3cret")),
        query="token=s3cret",
        body="s3cret",
    )
    answer_of(closing(lambda_handler(echo))(event))

    formatted = "".join(TextFormatter().format(record) for record in caplog.records)
    assert formatted
    assert "s3cret" not in formatted


def test_a_name_in_an_event_cannot_write_a_log_line_of_its_own(  # R9
    closing: Closing,
    caplog: pytest.LogCaptureFixture,
) -> None:
    event = {**REST.make(), "multiValueQueryStringParameters": {"a\n\x1b[2J": {}}}

    assert answer_of(closing(lambda_handler(echo))(event)).status == 400
    assert not any(character in caplog.text.rstrip() for character in "\n\x1b")

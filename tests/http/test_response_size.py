"""Results that do not fit: counted as they leave, byte by byte around each limit."""

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from adapter import json_bytes
from adapter.function import Function, lambda_handler
from tests.http.applications import Headers, answering
from tests.http.fronts import (
    ALB,
    ALB_WITH_LISTS,
    EDGE,
    FRONTS,
    FUNCTION_URL,
    Front,
    answer_of,
    fronts,
)
from tests.http.streams import posted

Closing = Callable[[Function], Function]

LAMBDA = 6_291_556  # bytes: 6 MB and 100 bytes, as the Runtime API counts
BALANCER = EDGE_LIMIT = 1_048_576
VIEWER = 40 * 1024
LIMITS = {ALB.name: BALANCER, ALB_WITH_LISTS.name: BALANCER, EDGE.name: EDGE_LIMIT}


@dataclass(frozen=True)
class Content:
    """A kind of body: what a unit of it is, and how many bytes that is in a result."""

    name: str
    unit: bytes
    written: int
    headers: Headers


TEXT: Headers = [(b"content-type", b"text/plain; charset=utf-8")]
BINARY: Headers = [(b"content-type", b"application/octet-stream")]
CONTENTS = [
    Content("text", b"x", 1, TEXT),
    Content("text beyond ASCII", "\u00e9".encode(), 2, TEXT),
    Content("quotes", b'"', 2, TEXT),
    Content("control characters", b"\x01", 6, TEXT),
    Content("bytes", b"\xff\xfe\xfd", 4, BINARY),
]


def most_units(closing: Closing, front: Front, content: Content, limit: int) -> int:
    """Return how many units fit beside what else a result says."""
    app = answering(content.unit, headers=content.headers)
    rest = len(json_bytes.dump(closing(lambda_handler(app))(front.make()))) - content.written
    return (limit - rest) // content.written


@fronts()
@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: content.name)
def test_the_largest_result_leaves_and_one_more_byte_is_a_500_that_says_why(  # R16
    closing: Closing,
    front: Front,
    content: Content,
    caplog: pytest.LogCaptureFixture,
) -> None:
    limit = LIMITS.get(front.name, LAMBDA)
    most = most_units(closing, front, content, limit)
    largest, larger = (
        closing(lambda_handler(answering(content.unit * units, headers=content.headers)))(
            front.make(),
        )
        for units in (most, most + 1)
    )

    assert limit - content.written < len(json_bytes.dump(largest)) <= limit
    assert answer_of(largest).body == content.unit * most
    refusal = answer_of(larger)
    assert refusal.status == 500
    assert str(limit) in refusal.text.replace(",", "")
    assert str(limit) in caplog.text.replace(",", "")


@fronts(*(front for front in FRONTS if front.name not in LIMITS))
def test_who_answers_too_much_is_told_of_streaming(closing: Closing, front: Front) -> None:  # R16
    function = closing(lambda_handler(answering(bytes(LAMBDA))))

    assert "stream" in answer_of(function(front.make())).text


@pytest.mark.parametrize(
    ("front", "limit"),
    [(FUNCTION_URL, LAMBDA), (ALB, BALANCER)],
    ids=["Lambda", "load balancer"],
)
def test_headers_count_too(closing: Closing, front: Front, limit: int) -> None:  # R16
    statuses = [
        answer_of(
            closing(lambda_handler(answering(b"x", headers=[(b"x-long", b"x" * size)])))(
                front.make(),
            ),
        ).status
        for size in (limit - 1_000, limit)
    ]

    assert statuses == [200, 500]


def test_an_answer_to_a_viewer_of_cloudfront_is_smaller(closing: Closing) -> None:  # R16
    event = EDGE.make()
    event["Records"][0]["cf"]["config"]["eventType"] = "viewer-request"
    small, large = (
        closing(lambda_handler(answering(b"x" * size, headers=TEXT)))(event)
        for size in (VIEWER - 1_000, VIEWER)
    )

    assert answer_of(small).status == 200
    assert answer_of(large).status == 500
    assert str(VIEWER) in answer_of(large).text.replace(",", "")


def test_what_is_streamed_has_no_such_limit() -> None:  # R16
    received = posted(answering(bytes(LAMBDA), b"the end"))

    assert received.endswith(b"7\r\nthe end\r\n0\r\n\r\n")


def test_a_large_answer_in_base64_is_a_third_larger(closing: Closing) -> None:  # R16
    body = bytes(5_000_000)
    as_text, as_bytes = (
        closing(lambda_handler(answering(body, headers=headers)))(FUNCTION_URL.make())
        for headers in ([(b"content-type", b"application/x")], [])
    )

    assert answer_of(as_text).status == answer_of(as_bytes).status == 500
    fitting = closing(lambda_handler(answering(bytes(4_700_000))))(FUNCTION_URL.make())
    assert b64decode(fitting["body"]) == bytes(4_700_000)

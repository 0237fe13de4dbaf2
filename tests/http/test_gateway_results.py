"""Results as every front reads them; `# row` numbers the known faults of other adapters."""

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from adapter.function import Function, lambda_handler
from tests.http.applications import answering
from tests.http.fronts import (
    ALB,
    ALB_WITH_LISTS,
    EDGE,
    HTTP_API,
    LATTICE_1,
    LATTICE_2,
    PAYLOAD_1,
    REST,
    Front,
    answer_of,
    fronts,
)

Closing = Callable[[Function], Function]
BYTES = bytes(range(256))


def result_of(closing: Closing, front: Front, app: Any, **settings: Any) -> dict[str, Any]:
    """Return what the function gives for a request that says nothing."""
    result: dict[str, Any] = closing(lambda_handler(app, **settings))(front.make())
    return result


@fronts()
def test_excluded_headers_are_left_out_at_every_front(  # row 9
    closing: Closing,
    front: Front,
) -> None:
    app = answering(headers=[(b"server", b"x"), (b"x-powered-by", b"y"), (b"x-kept", b"z")])
    result = result_of(closing, front, app, exclude_headers=["Server", "X-Powered-By"])

    assert list(answer_of(result).headers) == ["x-kept"]


COOKIES = [b"a=1; Path=/", b"b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT", b"c=3", b"d=4", b"e=5"]


@fronts()
def test_several_cookies_reach_the_client_apart(closing: Closing, front: Front) -> None:
    app = answering(headers=[(b"set-cookie", cookie) for cookie in COOKIES])
    answer = answer_of(result_of(closing, front, app))

    assert answer.headers["set-cookie"] == [cookie.decode() for cookie in COOKIES]


def test_several_cookies_of_a_lambda_at_edge_answer_are_one_list(  # row 11
    closing: Closing,
) -> None:
    app = answering(headers=[(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")])
    headers = result_of(closing, EDGE, app)["headers"]

    assert [header["value"] for header in headers["set-cookie"]] == ["a=1", "b=2"]
    assert {header["key"].lower() for header in headers["set-cookie"]} == {"set-cookie"}


def test_several_cookies_reach_a_load_balancer_without_multi_value_headers(  # row 21
    closing: Closing,
) -> None:
    app = answering(headers=[(b"set-cookie", cookie) for cookie in COOKIES])
    result = result_of(closing, ALB, app)

    assert "multiValueHeaders" not in result
    assert {name.lower() for name in result["headers"]} == {"set-cookie"}
    assert list(result["headers"].values()) == [cookie.decode() for cookie in COOKIES]


def test_several_cookies_reach_a_load_balancer_with_multi_value_headers(  # row 21
    closing: Closing,
) -> None:
    app = answering(headers=[(b"set-cookie", cookie) for cookie in COOKIES])
    result = result_of(closing, ALB_WITH_LISTS, app)

    assert "headers" not in result
    (values,) = result["multiValueHeaders"].values()
    assert values == [cookie.decode() for cookie in COOKIES]


PHRASES = [
    (200, "200 OK"),
    (204, "204 No Content"),
    (307, "307 Temporary Redirect"),
    (404, "404 Not Found"),
    (500, "500 Internal Server Error"),
]


@fronts(ALB, ALB_WITH_LISTS, LATTICE_1, LATTICE_2)
@pytest.mark.parametrize(("status", "phrase"), PHRASES)
def test_a_status_has_its_description(  # row 22
    closing: Closing,
    front: Front,
    status: int,
    phrase: str,
) -> None:
    result = result_of(closing, front, answering(status=status))

    assert (result["statusCode"], result["statusDescription"]) == (status, phrase)


def test_a_status_that_nobody_knows_has_a_description_too(closing: Closing) -> None:  # row 22
    result = result_of(closing, ALB, answering(status=299))

    assert result["statusDescription"].startswith("299")


@fronts()
@pytest.mark.parametrize("status", [200, 204, 304, 404])
def test_nothing_is_added_to_the_headers_of_an_answer(  # row 23
    closing: Closing,
    front: Front,
    status: int,
) -> None:
    assert answer_of(result_of(closing, front, answering(status=status))).headers == {}


def encoded(front: Front, result: dict[str, Any]) -> bool:
    """Whether the body of a result is in base64."""
    if front is EDGE:
        assert result["bodyEncoding"] in {"text", "base64"}
        return bool(result["bodyEncoding"] == "base64")
    assert isinstance(result["isBase64Encoded"], bool)
    return bool(result["isBase64Encoded"])


TEXTS = [
    "application/problem+json",
    "application/vnd.api+json; charset=utf-8",
    "image/svg+xml",
    "application/json",
    "application/xml",
    "application/javascript",
    "application/x-www-form-urlencoded",
    "application/graphql; charset=utf-8",
    "text/css",
    "TEXT/Event-Stream",
]


@fronts()
@pytest.mark.parametrize("content_type", TEXTS)
def test_text_of_any_type_leaves_as_text(  # row 24
    closing: Closing,
    front: Front,
    content_type: str,
) -> None:
    app = answering("é".encode(), headers=[(b"content-type", content_type.encode())])
    result = result_of(closing, front, app)

    assert not encoded(front, result)
    assert answer_of(result).text == "é"


BINARIES = ["application/octet-stream", "image/png", "application/zip", "application/jsonx"]


@fronts()
@pytest.mark.parametrize("content_type", [*BINARIES, "text/plain", ""])
def test_bytes_that_are_no_text_leave_in_base64(  # row 24
    closing: Closing,
    front: Front,
    content_type: str,
) -> None:
    headers = [(b"content-type", content_type.encode())] if content_type else []
    result = result_of(closing, front, answering(BYTES, headers=headers))

    assert encoded(front, result)
    assert answer_of(result).body == BYTES


@fronts()
def test_a_text_type_of_the_users_leaves_as_text(closing: Closing, front: Front) -> None:  # row 24
    app = answering(b"text", headers=[(b"content-type", b"application/x-mine; v=1")])
    result = result_of(closing, front, app, text_mime_types=["application/x-mine"])

    assert not encoded(front, result)


@fronts()
@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP"])
def test_a_compressed_answer_leaves_as_it_is(  # row 25
    closing: Closing,
    front: Front,
    coding: str,
) -> None:
    body = gzip.compress(b'{"a": 1}') if coding != "br" else b'"ascii, as far as one can see"'
    headers = [(b"content-type", b"application/json"), (b"content-encoding", coding.encode())]
    result = result_of(closing, front, answering(body, headers=headers))

    assert encoded(front, result)
    assert answer_of(result).body == body
    assert answer_of(result).headers["content-encoding"] == [coding]


@pytest.mark.parametrize("name", ["content-length", "via", "x-edge-location", "x-cache", "expect"])
def test_what_cloudfront_refuses_in_a_result_is_left_out(closing: Closing, name: str) -> None:
    app = answering(headers=[(name.encode(), b"0"), (b"x-kept", b"1")])

    assert list(result_of(closing, EDGE, app)["headers"]) == ["x-kept"]


def test_an_empty_body_is_left_out_of_a_result_for_cloudfront(closing: Closing) -> None:
    assert "body" not in result_of(closing, EDGE, answering(status=204, headers=[]))


@fronts(REST, PAYLOAD_1, ALB_WITH_LISTS, EDGE)
def test_repeated_headers_stay_a_list(closing: Closing, front: Front) -> None:
    app = answering(headers=[(b"link", b"<a>; rel=next"), (b"x-a", b"1"), (b"link", b"<b>, c")])

    assert answer_of(result_of(closing, front, app)).headers["link"] == ["<a>; rel=next", "<b>, c"]


@fronts(HTTP_API, ALB, LATTICE_1, LATTICE_2)
def test_repeated_headers_are_joined_where_the_front_takes_one(
    closing: Closing,
    front: Front,
) -> None:
    app = answering(headers=[(b"vary", b"accept"), (b"vary", b"origin")])

    assert answer_of(result_of(closing, front, app)).headers["vary"] == ["accept, origin"]

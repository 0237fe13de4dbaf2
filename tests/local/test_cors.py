"""CORS as the gateway does it."""

import asyncio
from urllib.request import Request, urlopen

import pytest

from adapter.plan.values import ApiPlan, FunctionUrl
from adapter.serve import Cors
from tests.local.world import application_plan, function_plan, serving

PAGE = "https://shop.example"
CORS = Cors(
    allow_origins=(PAGE,),
    allow_methods=("GET", "POST"),
    allow_headers=("x-a",),
    expose_headers=("x-b",),
    max_age_s=60,
    allow_credentials=True,
)
ANSWERS = """

def handler(event, context):
    headers = {"access-control-allow-origin": "https://mine", "x-b": "1"}
    return {"statusCode": 200, "headers": headers, "body": "called"}
"""


def asked(url: str, method: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with urlopen(Request(url, method=method, headers=named), timeout=30) as answer:
        return (
            answer.status,
            {name.lower(): value for name, value in answer.getheaders()},
            (answer.read()),
        )


async def ask(path: str, method: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    function = function_plan(ANSWERS, url=FunctionUrl(streams=False, cors=CORS))
    async with serving(application_plan(function, api=ApiPlan(cors=CORS))) as served:
        url = f"{served.server.http_url}{path}"
        return await asyncio.to_thread(asked, url, method, **headers)


@pytest.mark.parametrize("path", ["/a", "/_url/Echo/a"])
async def test_a_preflight_is_answered_without_the_function(path: str) -> None:
    status, headers, body = await ask(
        path,
        "OPTIONS",
        origin=PAGE,
        access_control_request_method="POST",
    )

    assert (status, body) == (204, b"")
    assert {name: value for name, value in headers.items() if name.startswith("access-")} == {
        "access-control-allow-origin": PAGE,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "x-a",
        "access-control-max-age": "60",
    }


async def test_an_answer_has_the_gateways_headers_and_not_the_functions() -> None:
    status, headers, body = await ask("/a", "GET", origin=PAGE)

    assert (status, body) == (200, b"called")
    assert headers["access-control-allow-origin"] == PAGE
    assert headers["access-control-expose-headers"] == "x-b"
    assert headers["vary"] == "origin"


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_another_page_is_told_nothing(method: str) -> None:
    _, headers, _ = await ask(
        "/a",
        method,
        origin="https://other.example",
        access_control_request_method="GET",
    )

    assert not [name for name in headers if name.startswith("access-control")]


async def test_an_options_request_that_is_no_preflight_reaches_the_function() -> None:
    _, _, body = await ask("/a", "OPTIONS", origin=PAGE)

    assert body == b"called"


async def test_without_cors_the_function_speaks_for_itself() -> None:
    async with serving(application_plan(function_plan(ANSWERS))) as served:
        _, headers, _ = await asyncio.to_thread(asked, served.server.http_url, "GET", origin=PAGE)

    assert headers["access-control-allow-origin"] == "https://mine"

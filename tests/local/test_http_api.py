"""Routes of an HTTP API."""

import pytest

from adapter.local.http_api import HttpRoute
from adapter.local.http_event import HttpApiRoute
from tests.local.scripted import Scripted


@pytest.mark.parametrize(
    ("prefix", "path", "expected"),
    [
        ("/", "/", HttpApiRoute(key="ANY /")),
        ("/", "/a/b", HttpApiRoute(key="ANY /{proxy+}", path_parameters={"proxy": "a/b"})),
        ("/a", "/a", HttpApiRoute(key="ANY /a")),
        ("/a", "/a/b", HttpApiRoute(key="ANY /a/{proxy+}", path_parameters={"proxy": "b"})),
        ("/a", "/ab", None),
        ("/a", "/", None),
        ("/", "*", None),
        ("/", "http://evil.example/", None),
    ],
)
async def test_routes_are_those_of_the_template(
    prefix: str,
    path: str,
    expected: HttpApiRoute | None,
) -> None:
    route = HttpRoute(prefix=prefix, name="Echo", function=Scripted())

    assert route.match(path) == expected

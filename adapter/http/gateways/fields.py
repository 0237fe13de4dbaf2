"""Fields that the events of several gateways share."""

from typing import Any
from urllib.parse import urlencode

from adapter.http import request as read
from adapter.http.request import Refused


def headers(event: dict[str, Any]) -> list[tuple[str, str]]:
    """Read headers that are there with one value, with several, or, in most events, both."""
    several = read.several_headers(event.get("multiValueHeaders"))
    if not several:
        return read.single_headers(event.get("headers"))
    known = {name.lower() for name, _ in several}
    single = read.mapping(event.get("headers"), "headers")
    rest = {name: value for name, value in single.items() if name.lower() not in known}
    return [*several, *read.single_headers(rest)]


def parameters(event: dict[str, Any]) -> Any:
    """Return query parameters, with several values each or one, as the event has them."""
    several = event.get("multiValueQueryStringParameters")
    return several or event.get("queryStringParameters")


def _pairs(parameters: Any) -> list[tuple[str, str]]:
    found = read.mapping(parameters, "query parameters")
    return [(name, value) for name, values in found.items() for value in read.strings(values, name)]


def encoded_query(parameters: Any) -> bytes:
    """Encode parameters that the gateway has decoded."""
    try:
        return urlencode(_pairs(parameters)).encode()
    except UnicodeEncodeError as error:
        raise Refused("a query parameter is not text") from error


def raw_query(parameters: Any) -> bytes:
    """Join parameters that the gateway passes on as they were sent."""
    return read.raw_query("&".join(f"{name}={value}" for name, value in _pairs(parameters)))

"""What AWS's HTTP front doors lose or change, as they are documented to.

Each loss is a function that leaves out the same on both sides of a comparison, with a server that
is reached directly and with one behind the front door; so it must change nothing that has come
through the front door. `LOSSES` says which front door has which. Everything that is not here has
to be equal.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote

from tests.gateways.alb import Alb
from tests.gateways.edge import DISALLOWED, REFUSED_OF_ANY, Edge
from tests.gateways.forwarded import OWN
from tests.gateways.function_url import FunctionUrl
from tests.gateways.gateway import Gateway
from tests.gateways.http_api import CUSTOM_DOMAIN, OWN_DOMAIN, HttpApi
from tests.gateways.lattice import Lattice
from tests.gateways.request import without
from tests.gateways.response import HOP_BY_HOP, Response
from tests.gateways.rest_api import (
    DROPPED_REQUEST_HEADERS,
    DROPPED_RESPONSE_HEADERS,
    REMAPPED_RESPONSE_HEADERS,
    RestApi,
)
from tests.gateways.seen import Seen, Values, values_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One loss: `why` it is none of the adapter's, and what is left of a request or response."""

    why: str
    seen: Callable[[Seen], Seen] | None = None
    response: Callable[[Response], Response] | None = None


def _headers(seen: Seen, change: Callable[[str, tuple[str, ...]], tuple[str, ...]]) -> Seen:
    changed = {name: change(name, values) for name, values in seen.headers.items()}
    return replace(seen, headers={name: values for name, values in changed.items() if values})


def _dropping(names: Iterable[str]) -> Callable[[Seen], Seen]:
    dropped = frozenset(names)

    def drop(seen: Seen) -> Seen:
        kept = without(((name, "") for name in seen.headers), dropped)
        return replace(seen, headers={name: seen.headers[name] for name, _ in kept})

    return drop


def _dropping_from_response(names: Iterable[str]) -> Callable[[Response], Response]:
    dropped = frozenset(names)
    return lambda response: response._replace(headers=without(response.headers, dropped))


def _joining(separator: str) -> Callable[[Seen], Seen]:
    return lambda seen: _headers(seen, lambda _, values: (separator.join(values),))


def _one_cookie_header(seen: Seen) -> Seen:
    def one(name: str, values: tuple[str, ...]) -> tuple[str, ...]:
        if name != "cookie":
            return values
        pieces = [piece.strip(" ") for value in values for piece in value.split(";") if piece]
        return ("; ".join(pieces),)

    return _headers(seen, one)


def _parameters(seen: Seen) -> Values:
    if not isinstance(seen.query, str):
        return seen.query
    return values_of(parse_qsl(seen.query, keep_blank_values=True))


def _last_parameters(seen: Seen) -> Seen:
    last = {name: values[-1:] for name, values in _parameters(seen).items()}
    return replace(seen, query=last)


def _one_value_each(response: Response) -> Response:
    values = values_of(response.headers)
    cookies = values.pop("set-cookie", ())
    once = [(name, ", ".join(found)) for name, found in values.items()]
    return response._replace(headers=(*once, *(("set-cookie", cookie) for cookie in cookies)))


def _without_default_type(*defaults: str) -> Callable[[Response], Response]:
    default = [("content-type", value) for value in defaults]
    return lambda response: response._replace(
        headers=tuple(header for header in response.headers if header not in default)
    )


def _remapped(response: Response) -> Response:
    prefix, names = "x-amzn-remapped-", {*REMAPPED_RESPONSE_HEADERS, *DROPPED_RESPONSE_HEADERS}
    renamed = tuple((name.removeprefix(prefix), value) for name, value in response.headers)
    return response._replace(headers=without(renamed, names - REMAPPED_RESPONSE_HEADERS))


PATH_IS_DECODED = Loss(
    why="HTTP APIs deliver the path decoded: which characters were escaped is lost",
    seen=lambda seen: replace(seen, raw_path=unquote(seen.raw_path)),
)
PATH_ENDS_AT_A_QUESTION_MARK = Loss(
    why="HTTP APIs cut the decoded path at its first question mark, as captured from AWS",
    seen=lambda seen: replace(
        seen,
        path=seen.path.partition("?")[0],
        raw_path=seen.raw_path.partition("?")[0],
    ),
)
PARAMETERS_FOR_A_QUERY = Loss(
    why="the event has parameters: their order among different names and their spelling are lost",
    seen=lambda seen: replace(seen, query=_parameters(seen)),
)
LAST_PARAMETERS_ONLY = Loss(
    why="of a repeated parameter the last value is delivered",
    seen=_last_parameters,
)
HEADERS_OF_ITS_OWN = Loss(
    why="the front door writes these itself, over or behind what the client sent",
    seen=_dropping(OWN),
)
HEADERS_OF_LATTICE = Loss(
    why="VPC Lattice adds X-Forwarded-For and no other",
    seen=_dropping({"x-forwarded-for"}),
)
HEADERS_OF_CLOUDFRONT = Loss(
    why="CloudFront writes these, and shows functions none of those that it disallows",
    seen=_dropping(
        {
            *DISALLOWED,
            "cloudfront-forwarded-proto",
            "transfer-encoding",
            "via",
            "x-forwarded-for",
        },
    ),
)
HOP_BY_HOP_REQUEST_HEADERS = Loss(
    why="they are of the connection between client and front door: RFC 9110, section 7.6.1",
    seen=_dropping({*HOP_BY_HOP, "expect", "proxy-authorization"}),
)
REST_REQUEST_HEADERS = Loss(
    why="REST APIs drop these: the table of the important notes",
    seen=_dropping(DROPPED_REQUEST_HEADERS),
)
ONE_COOKIE_HEADER = Loss(
    why="payload 2.0 lists the cookies: how they were spread over headers and spaced is lost",
    seen=_one_cookie_header,
)
HEADERS_JOINED_BY_COMMAS = Loss(
    why="payload 2.0 joins the values of a repeated header",
    seen=_joining(","),
)
HEADERS_JOINED_BY_COMMAS_AND_SPACES = Loss(
    why="event structure V1 of VPC Lattice joins the values of a repeated header",
    seen=_joining(", "),
)
LAST_HEADERS_ONLY = Loss(
    why="without multi-value headers a load balancer delivers the last value of a repeated header",
    seen=lambda seen: _headers(seen, lambda _, values: values[-1:]),
)
CONNECTION_RESPONSE_HEADERS = Loss(
    why="how a response is framed is up to the server of each connection",
    response=_dropping_from_response(HOP_BY_HOP),
)
HEADERS_THAT_CLOUDFRONT_REFUSES = Loss(
    why="CloudFront answers 502 to a result that holds one of these, the length among them",
    response=_dropping_from_response({*DISALLOWED, *REFUSED_OF_ANY}),
)
ONE_RESPONSE_HEADER_EACH = Loss(
    why="the result has room for one value of a header, but for cookies",
    response=_one_value_each,
)
TYPE_OF_HTTP_APIS = Loss(
    why="HTTP APIs add this content type to a response that has none",
    response=_without_default_type("text/plain;charset=UTF-8"),
)
TYPE_OF_REST_AND_URLS = Loss(
    why="REST APIs and function URLs add these content types to a response that has none",
    response=_without_default_type("application/json", "application/octet-stream"),
)
REST_RESPONSE_HEADERS = Loss(
    why="REST APIs drop or rename these: the table of the important notes",
    response=_remapped,
)

_HTTP_API = (
    PATH_IS_DECODED,
    PATH_ENDS_AT_A_QUESTION_MARK,
    HEADERS_OF_ITS_OWN,
    HOP_BY_HOP_REQUEST_HEADERS,
    CONNECTION_RESPONSE_HEADERS,
    TYPE_OF_HTTP_APIS,
)
_PAYLOAD_2_0 = (ONE_COOKIE_HEADER, HEADERS_JOINED_BY_COMMAS, ONE_RESPONSE_HEADER_EACH)
_URL = (
    *_PAYLOAD_2_0,
    HEADERS_OF_ITS_OWN,
    HOP_BY_HOP_REQUEST_HEADERS,
    CONNECTION_RESPONSE_HEADERS,
    TYPE_OF_REST_AND_URLS,
)
_REST = (
    PARAMETERS_FOR_A_QUERY,
    HEADERS_OF_ITS_OWN,
    REST_REQUEST_HEADERS,
    CONNECTION_RESPONSE_HEADERS,
    REST_RESPONSE_HEADERS,
    TYPE_OF_REST_AND_URLS,
)
_ALB = (HEADERS_OF_ITS_OWN, CONNECTION_RESPONSE_HEADERS)
_LATTICE = (HEADERS_OF_LATTICE, CONNECTION_RESPONSE_HEADERS, ONE_RESPONSE_HEADER_EACH)
_EDGE = (HEADERS_OF_CLOUDFRONT, HEADERS_THAT_CLOUDFRONT_REFUSES)

LOSSES: dict[Gateway, tuple[Loss, ...]] = {
    HttpApi(): (*_HTTP_API, *_PAYLOAD_2_0),
    HttpApi(domain=OWN_DOMAIN, stage="prod"): (*_HTTP_API, *_PAYLOAD_2_0),
    HttpApi(version="1.0"): (*_HTTP_API, PARAMETERS_FOR_A_QUERY),
    HttpApi(version="1.0", domain=OWN_DOMAIN, stage="prod"): (*_HTTP_API, PARAMETERS_FOR_A_QUERY),
    FunctionUrl(): _URL,
    FunctionUrl(streams=True): _URL,
    RestApi(): _REST,
    RestApi(streams=True): _REST,
    RestApi(domain=CUSTOM_DOMAIN, root_path=""): _REST,
    Alb(multi_value=True): (*_ALB, PARAMETERS_FOR_A_QUERY),
    Alb(multi_value=False): (
        *_ALB,
        LAST_PARAMETERS_ONLY,
        LAST_HEADERS_ONLY,
        ONE_RESPONSE_HEADER_EACH,
    ),
    Lattice(version=1, query_in_path=True): (*_LATTICE, HEADERS_JOINED_BY_COMMAS_AND_SPACES),
    Lattice(version=1): (*_LATTICE, LAST_PARAMETERS_ONLY, HEADERS_JOINED_BY_COMMAS_AND_SPACES),
    Lattice(version=2): (*_LATTICE, PARAMETERS_FOR_A_QUERY),
    Edge(event_type="viewer-request"): _EDGE,
    Edge(event_type="origin-request"): _EDGE,
}


def left_of_seen(gateway: Gateway, seen: Seen) -> Seen:
    """Return what a front door leaves of a request."""
    for loss in LOSSES[gateway]:
        seen = loss.seen(seen) if loss.seen else seen
    return seen


def left_of_response(gateway: Gateway, response: Response) -> Response:
    """Return what a front door leaves of a response; the order of headers of one name counts."""
    for loss in LOSSES[gateway]:
        response = loss.response(response) if loss.response else response
    return response._replace(headers=tuple(sorted(response.headers, key=lambda pair: pair[0])))

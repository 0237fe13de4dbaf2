"""What may come of an event: an answer in its sender's shape, null for {}, or a named error."""

import base64
import json
import re
from dataclasses import dataclass
from typing import Any

from adapter import json_bytes
from adapter.calls.frames import FrameReader
from adapter.errors import InvalidCall, RemoteError, UnsupportedEvent
from adapter.http.prelude import CONTENT_TYPE
from adapter.local.prelude import read_prelude
from tests.fuzz.corpus import Shape, possible_shapes
from tests.fuzz.functions import Echo, OwnError
from tests.fuzz.watch import CONTROL

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_LINE_ENDS = re.compile(r"[\r\n\0]")
_HOST = re.compile(rb"(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?", re.ASCII)
_NAMED = (UnsupportedEvent, InvalidCall)
MOST_BYTES = {  # of a result as JSON
    Shape.PAYLOAD_2_0: 6 * 1024 * 1024 + 100,
    Shape.PAYLOAD_1_0: 6 * 1024 * 1024 + 100,
    Shape.LATTICE: 6 * 1024 * 1024 + 100,
    Shape.ALB: 1024 * 1024,
    Shape.EDGE: 1024 * 1024,
}
_VIEWER_BYTES = 40 * 1024


@dataclass
class Answer:
    """A response as the client gets it; names of headers are in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Received:
    """Takes the answer as our loop does, and watches that it is given as a responder may be."""

    def __init__(self, *, streams: bool) -> None:
        self.streams = streams
        self.answered = False
        self.result: Any = None
        self.pieces: list[bytes] | None = None  # of a stream
        self.content_type = ""
        self.ended = ""  # "end" or "fail"

    async def respond(self, result: Any) -> None:
        assert not self.answered, "answered twice"
        if not isinstance(result, bytes):
            json_bytes.dump(result)
        self.answered = True
        self.result = result

    async def stream(self, content_type: str) -> "Received":
        assert self.streams, "streamed where nothing takes a stream"
        assert not self.answered, "answered twice"
        self.answered = True
        self.pieces = []
        self.content_type = content_type
        return self

    async def write(self, data: bytes) -> None:
        assert not self.ended, "written after the end"
        assert type(data) is bytes
        assert self.pieces is not None
        self.pieces.append(data)

    async def end(self) -> None:
        assert not self.ended, "ended twice"
        self.ended = "end"

    async def fail(self, error: BaseException) -> None:
        assert not self.ended, "ended twice"
        assert isinstance(error, Exception)
        self.ended = "fail"


def assert_named(error: Exception, *, of_a_call: bool) -> None:
    """Assert that an error is one that a caller is promised, and that its text can be logged."""
    if not isinstance(error, _NAMED):
        # Python's own words for arguments that do not fit, and what a method raises.
        assert of_a_call, f"no named error: {error!r:.500}"
        assert isinstance(error, (TypeError, OwnError)), f"no named error: {error!r:.500}"
        return
    assert len(str(error)) < 2_000, "an error's text grows with the event"
    # Of a call, whose sender is trusted, Pydantic and Python repeat parts; the log escapes them.
    hostile = CONTROL.search(str(error)) and not isinstance(error, InvalidCall)
    assert not hostile, f"control characters in an error: {str(error)!r}"


def assert_served(event: Any, received: Received, echo: Echo, excluded: list[str]) -> None:
    """Assert that an answer to an event is what its sender takes, and is the echo's if it ran."""
    if event == {}:
        assert received.answered
        assert received.result is None
        assert not echo.scopes
        return
    shapes = possible_shapes(event)
    assert shapes, "an event that is not HTTP was served as HTTP"
    for scope in echo.scopes:
        assert_scope(scope)
    answer = streamed_answer(received) or whole_answer(received.result, shapes)
    assert echo.scopes or answer.status in {400, 413}, f"{answer.status} without the application"
    assert len(echo.scopes) <= 1, "the application ran twice"
    heads = echo.scopes[0]["method"] == "HEAD" if echo.scopes else '"HEAD"' in json.dumps(event)
    assert answer.body or heads, "an empty body"
    if not echo.scopes:
        return
    gone = {name.lower() for name in excluded}
    assert not gone & {name for name, _ in answer.headers}
    assert not {"connection", "x-path"} & {name for name, _ in answer.headers}
    if answer.status == 500:  # too large for the sender, which is told
        limits = [_VIEWER_BYTES if shape is Shape.EDGE else MOST_BYTES[shape] for shape in shapes]
        size = len(echo.body) * 6 + 10_000  # escaped, with headers
        assert size > min(limits), f"500 for a small response: {answer.body!r}"
    else:
        assert answer.status == 200
        assert answer.body == (b"" if heads else echo.body)


def assert_scope(scope: dict[str, Any]) -> None:
    """Assert what ASGI and our design promise of a scope."""
    assert TOKEN.fullmatch(scope["method"])
    assert scope["scheme"] in {"http", "https"}
    path, raw_path = scope["path"], scope["raw_path"]
    assert path.startswith("/")
    path.encode()
    assert raw_path.startswith(b"/")
    assert re.fullmatch(rb"[!-~]*", raw_path), f"raw_path={raw_path!r}"
    assert b"?" not in raw_path
    assert b"#" not in raw_path
    root_path = scope["root_path"]
    assert path == root_path or path.startswith(f"{root_path}/")
    assert not root_path.endswith("/")
    assert re.fullmatch(rb"[!-~]*", scope["query_string"]), scope["query_string"]
    for name, value in scope["headers"]:
        assert TOKEN.fullmatch(name.decode("ascii"))
        assert name == name.lower()
        assert not _LINE_ENDS.search(value.decode("latin-1"))
    hosts = {value for name, value in scope["headers"] if name == b"host"}
    assert len(hosts) <= 1
    assert all(map(_HOST.fullmatch, hosts)), hosts
    _assert_addresses(scope)


def _assert_addresses(scope: dict[str, Any]) -> None:
    server, port = scope["server"]
    assert isinstance(server, str)
    assert server
    assert port == {"http": 80, "https": 443}[scope["scheme"]]
    if scope["client"] is not None:
        client, client_port = scope["client"]
        assert isinstance(client, str)
        assert client
        assert client_port == 0


def whole_answer(result: Any, shapes: set[Shape]) -> Answer:
    """Read a whole answer in one of the shapes."""
    # As strict as AWS's client in any version: no NaN, no lone surrogates.
    json.dumps(result, allow_nan=False, ensure_ascii=False).encode()
    assert type(result) is dict
    found = [shape for shape in Shape if shape in shapes and _has_shape(result, shape)]
    assert found, f"an answer in none of the shapes {shapes}: {result!r:.300}"
    assert len(json_bytes.dump(result)) <= max(MOST_BYTES[shape] for shape in found), "too large"
    answer: Answer = _READERS[found[0]](result)
    assert 100 <= answer.status <= 599
    for name, value in answer.headers:
        assert TOKEN.fullmatch(name), name
        assert not _LINE_ENDS.search(value), value
    return answer


def _has_shape(result: dict[str, Any], shape: Shape) -> bool:
    if shape is Shape.EDGE:
        return "status" in result
    described = "statusDescription" in result
    return "statusCode" in result and described == (shape in {Shape.ALB, Shape.LATTICE})


def _gateway_answer(result: dict[str, Any]) -> Answer:
    assert type(result["statusCode"]) is int
    headers = [(name, value) for name, value in (result.get("headers") or {}).items()]
    for name, values in (result.get("multiValueHeaders") or {}).items():
        assert type(values) is list
        headers += [(name, value) for value in values]
    headers += [("set-cookie", cookie) for cookie in result.get("cookies", [])]
    assert all(type(value) is str for _, value in headers)
    body = result["body"]
    assert type(body) is str
    assert type(result["isBase64Encoded"]) is bool
    read = base64.b64decode(body, validate=True) if result["isBase64Encoded"] else body.encode()
    return Answer(result["statusCode"], [(name.lower(), value) for name, value in headers], read)


def _described_answer(result: dict[str, Any]) -> Answer:
    code, _, phrase = result["statusDescription"].partition(" ")
    assert code == str(result["statusCode"])
    assert phrase
    return _gateway_answer(result)


def _edge_answer(result: dict[str, Any]) -> Answer:
    assert type(result["status"]) is str
    coding = result.get("bodyEncoding", "text")
    assert coding in {"text", "base64"}
    headers = []
    for name, values in result["headers"].items():
        assert name == name.lower()
        headers += [(name, found["value"]) for found in values]
        assert all(found["key"].lower() == name for found in values)
    body = result.get("body", "")
    read = base64.b64decode(body, validate=True) if coding == "base64" else body.encode()
    return Answer(int(result["status"]), headers, read)


_READERS = {
    Shape.PAYLOAD_2_0: _gateway_answer,
    Shape.PAYLOAD_1_0: _gateway_answer,
    Shape.ALB: _described_answer,
    Shape.LATTICE: _described_answer,
    Shape.EDGE: _edge_answer,
}


def streamed_answer(received: Received) -> Answer | None:
    """Read an answer in Lambda's streaming format; None where it is whole."""
    if received.pieces is None:
        return None
    assert received.content_type == CONTENT_TYPE
    found = read_prelude(b"".join(received.pieces))
    assert found is not None, "the prelude is not whole"
    prelude, body = found
    return Answer(prelude.status, list(prelude.headers), body)


def assert_items(data: bytes) -> None:
    """Assert that bytes are the items of a streamed call, to their end or an error."""
    reader = FrameReader("Methods")
    try:
        list(reader.feed(data))
    except RemoteError:
        return
    assert reader.complete
    assert not reader.rest

"""What calls carry: JSON with tags, call events, frames, event streams; nearly right, or wrong."""

import builtins
from base64 import b64encode
from functools import cache
from typing import Any

from hypothesis import strategies as st

from adapter.calls.codec import _CONTAINERS, _OBJECTS, _READERS
from tests.calls import events
from tests.fuzz.mutations import DEPTHS, json_values, scalars, texts, written
from tests.fuzz.weights import mostly

_TAGS = sorted({*_READERS, *_CONTAINERS, *_OBJECTS})
_MODULES = [
    "tests.fuzz.functions",
    "builtins",
    "os",
    "enum",
    "pydantic.main",
    "this",
    "__main__",
    "",
]
_CLASSES = ["Point", "Tree", "Item", "Colour", "Methods", "KeyError", "SystemExit", "Exception"]
_CLASSES += [
    "system",
    "eval",
    "Enum",
    "BaseModel",
    "Point.__class__",
    "a.<locals>.B",
    "Tree." * 999,
]
METHODS = ["echo", "order", "place", "grow", "items", "fail", "__call__", "missing"]
_DTYPES = [
    *("<f4", ">f8", "|u1", "?", "<M8[ns]", "<m8", "S3", "<U2", "V0", "V4", "O", "i4,i4", "f", "a"),
    *("(2,)i4", "(2,", "{", "{'names': ['a'], 'formats': ['O']}", "<f99", "S999999999999", "U0"),
    *("float32", "object", "datetime64", "void", "longdouble", "c16", "", "=", ",", "\0", "T"),
]


@cache
def _base64() -> st.SearchStrategy[str]:
    return st.binary(max_size=40).map(lambda data: b64encode(data).decode()) | texts()


def _names() -> st.SearchStrategy[str]:
    return st.sampled_from(["x", "y", "children", "name", "sizes", "__class__", "_private", "y"])


def _class_names() -> st.SearchStrategy[Any]:
    one = st.tuples(st.sampled_from(_MODULES), st.sampled_from(_CLASSES))
    return mostly(one, st.tuples(texts() | scalars(), texts() | scalars())).map(list)


def _content(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What a tag may hold: right for some tag, or anything."""
    array = st.fixed_dictionaries(
        {},
        optional={
            "dtype": st.sampled_from(_DTYPES) | texts() | inner,
            "shape": st.lists(st.integers(-2, 4) | st.just(10**9), max_size=4) | inner,
            "data": _base64() | inner,
        },
    )
    moments = st.datetimes().map(str) | st.dates().map(str) | st.times().map(str)
    more = st.fixed_dictionaries(
        {},
        optional={
            "hidden": st.dictionaries(_names() | texts(), inner, max_size=2) | inner,
            "unset": st.lists(_names() | inner, max_size=2) | inner,
        },
    )
    fields = st.dictionaries(_names(), inner, max_size=3) | inner
    objects = st.tuples(_class_names(), fields, st.just(()) | st.tuples(more)).map(
        lambda drawn: [*drawn[0], drawn[1], *drawn[2]],
    )
    numbers = st.lists(st.integers() | st.floats(), max_size=4) | st.floats().map(str)
    pairs = st.lists(st.lists(inner, min_size=2, max_size=2) | inner, max_size=3)
    uuids = st.uuids().map(str)
    decimals = st.sampled_from(
        ["1e999999999", "-0", "sNaN123", "Infinity", "1_0", "0x1", "\N{FULLWIDTH DIGIT ONE}"]
    )
    return inner | array | objects | _base64() | moments | numbers | pairs | uuids | decimals


@cache
def values() -> st.SearchStrategy[Any]:
    """JSON with tags, some of which hold what they should; some of it deep."""
    tags = st.sampled_from([*_TAGS, "$code", "$"])

    def extend(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        tag = st.tuples(tags, _content(inner)).map(lambda pair: {pair[0]: pair[1]})
        several = st.lists(inner, max_size=4) | st.dictionaries(texts() | tags, inner, max_size=3)
        return mostly(tag, several)

    whole = st.recursive(scalars(), extend, max_leaves=8)
    depths = st.sampled_from(DEPTHS)
    deep = st.tuples(whole, st.sampled_from(["list", "object", *_TAGS]), depths).map(_deepened)
    return mostly(whole, deep)


def _deepened(drawn: tuple[Any, str, int]) -> Any:
    value, kind, depth = drawn
    for _ in range(depth):
        value = [value] if kind == "list" else {kind: [value] if kind.startswith("$") else value}
    return value


@cache
def calls() -> st.SearchStrategy[Any]:
    """Call events with arguments that may fit the method."""
    point = st.fixed_dictionaries({"x": scalars()}, optional={"y": scalars(), "z": scalars()})
    tree = st.recursive(
        st.just([]),
        lambda inner: st.lists(st.fixed_dictionaries({"children": inner}), max_size=3),
        max_leaves=5,
    ).map(lambda children: {"children": children})
    item = st.fixed_dictionaries({"name": texts() | scalars()}, optional={"sizes": values()})
    argument = values() | point | tree | item | st.sampled_from([{"children": []}, "blue", 2, []])
    keys = st.sampled_from(["item", "colour", "where", "others", "tree", "by", "count", "value"])
    return st.fixed_dictionaries(
        {
            "method": st.sampled_from(METHODS) | st.sampled_from(METHODS) | json_values(),
            "args": st.lists(argument, max_size=3) | json_values(),
            "kwargs": st.dictionaries(keys | texts(), argument, max_size=3) | values(),
            "context": st.fixed_dictionaries(
                {},
                optional={
                    "stream": st.booleans() | json_values(),
                    "objects": st.booleans() | json_values(),
                    "deadline_ms": st.sampled_from([0, -1, 2**53, 10**400, "1"]) | json_values(),
                    "caller": json_values(),
                },
            ),
        },
    )


@cache
def error_objects() -> st.SearchStrategy[Any]:
    """Lambda's error objects, or nearly."""
    kinds = st.sampled_from(sorted(dir(builtins))) | values()
    return values() | st.fixed_dictionaries(
        {},
        optional={
            "errorType": kinds,
            "errorMessage": texts() | values(),
            "stackTrace": st.lists(texts() | values(), max_size=3) | values(),
            "errorClasses": st.lists(_class_names() | values(), max_size=3) | values(),
            "errorArgs": st.lists(values(), max_size=3) | values(),
            "errorAttributes": st.dictionaries(_names() | texts(), values(), max_size=3) | values(),
            "Message": texts() | values(),
        },
    )


@cache
def frames() -> st.SearchStrategy[bytes]:
    """Frames of a streamed call, or nearly, one a line."""
    frame = st.one_of(
        values().map(lambda value: {"item": value}),
        error_objects().map(lambda error: {"error": error}),
        st.just({"end": True}),
        json_values(),
    )
    line = frame.map(lambda found: written(found).encode()) | st.binary(max_size=20)
    ends = st.sampled_from([b"\n", b"\r\n", b"\n\n", b""])
    return st.lists(st.tuples(line, ends).map(b"".join), max_size=5).map(b"".join)


@cache
def _messages() -> st.SearchStrategy[bytes]:
    headers = st.dictionaries(
        st.sampled_from(
            ["event_type", "message_type", "exception_type", "error_code", "error_message"],
        ),
        st.sampled_from(["event", "exception", "error", "PayloadChunk", "InvokeComplete", ""]),
    )
    complete = st.fixed_dictionaries(
        {},
        optional={"ErrorCode": texts(), "ErrorDetails": error_objects().map(written)},
    )
    return st.one_of(
        frames().map(events.chunk),
        complete.map(lambda members: events.complete(**members)),
        st.tuples(st.binary(max_size=30), st.binary(max_size=30), headers).map(
            lambda drawn: events.message(drawn[0], drawn[1], **drawn[2]),
        ),
        st.just(events.END),
        st.binary(max_size=30),
    )


@st.composite
def event_streams(draw: st.DrawFn) -> bytes:
    """Messages of an event stream, the bytes of some of them changed."""
    data = bytearray(b"".join(draw(st.lists(_messages(), max_size=4))))
    for _ in range(draw(st.integers(0, 2))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.just(len(data)) | st.integers(0, len(data)))])

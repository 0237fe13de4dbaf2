import contextlib
import json
import math
from collections import Counter, OrderedDict, namedtuple
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from adapter.calls import codec
from adapter.errors import InvalidCall, NotSerializable, ServeError
from adapter.serve.handles import DeploymentHandle
from adapter.serve.responses import DeploymentResponse

Pair = namedtuple("Pair", ["left", "right"])  # noqa: PYI024 - no types, no hints


def without_fold(moment: Any) -> Any:
    """Leave out which of two equal wall-clock times is meant: ISO 8601 has no sign for it."""
    return moment.replace(fold=0)


plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.dates()
    | st.times().map(without_fold)
    | st.datetimes(timezones=st.none() | st.just(UTC)).map(without_fold)
    | st.timedeltas()
    | st.decimals()
    | st.uuids()
    | st.complex_numbers(allow_nan=False)
)
keys = st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.dates()
tags = st.sampled_from(["$bytes", "$dict", "$set", "$float", "$anything", "$"])
values = st.recursive(
    plain | st.sets(keys) | st.frozensets(keys),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | tags, inner)
        | st.dictionaries(keys | st.tuples(keys, keys), inner)
    ),
    max_leaves=20,
)


def typed(value: Any) -> Any:
    """Show a value with all types in it, since 1 == True == 1.0, and NaN is not NaN."""
    name = type(value).__name__
    if isinstance(value, dict):
        return name, [(typed(key), typed(item)) for key, item in value.items()]
    if isinstance(value, (set, frozenset)):
        return name, {typed(item) for item in value}
    if isinstance(value, (list, tuple)):
        return name, [typed(item) for item in value]
    return name, repr(value)


def to_tuple(value: Any) -> Any:
    return (value,)


def sent(value: Any) -> Any:
    """Send a value over the wire."""
    return codec.loads(codec.dumps(value))


@given(values)
@settings(deadline=None)
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    assert typed(sent(value)) == typed(value)


@given(st.recursive(st.none() | st.booleans() | st.text(), st.lists, max_leaves=9))
@settings(deadline=None)
def test_json_needs_no_tags(value: Any) -> None:
    assert json.loads(codec.dumps(value)) == value


def test_text_is_written_as_utf_8() -> None:
    assert codec.dumps({"é": [1, None]}) == '{"é":[1,null]}'.encode()


@pytest.mark.parametrize(
    ("value", "packed"),
    [
        (b"\x00\xff", {"$bytes": "AP8="}),
        (bytearray(b"a"), {"$bytes": "YQ=="}),
        (memoryview(b"a"), {"$bytes": "YQ=="}),
        (datetime(2026, 11, 21, tzinfo=UTC), {"$datetime": "2026-11-21T00:00:00+00:00"}),
        (date(2026, 11, 21), {"$date": "2026-11-21"}),
        (time(14, 2), {"$time": "14:02:00"}),
        (timedelta(days=1, seconds=2), {"$timedelta": [1, 2, 0]}),
        (Decimal("1.50"), {"$decimal": "1.50"}),
        (UUID(int=1), {"$uuid": "00000000-0000-0000-0000-000000000001"}),
        (Path("/opt/model"), {"$path": "/opt/model"}),
        (1 + 2j, {"$complex": [1.0, 2.0]}),
        (math.inf, {"$float": "inf"}),
        ((1, (2,)), {"$tuple": [1, {"$tuple": [2]}]}),
        ({1}, {"$set": [1]}),
        (frozenset({1}), {"$frozenset": [1]}),
        ({1: "a"}, {"$dict": [[1, "a"]]}),
        ({"$bytes": "AA=="}, {"$dict": [["$bytes", "AA=="]]}),
        ({"$any": 1}, {"$dict": [["$any", 1]]}),
        ({"$any": 1, "b": 2}, {"$any": 1, "b": 2}),
    ],
)
def test_value_that_json_cannot_say_is_tagged(value: Any, packed: Any) -> None:
    assert codec.pack(value) == packed


def test_path_arrives_as_a_pure_path() -> None:
    assert sent(Path("/opt/model")) == PurePosixPath("/opt/model")


def test_time_is_written_as_the_standard_library_does_whatever_its_type_says() -> None:
    class Stamp(datetime):
        def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
            return f"{super().isoformat(sep, timespec)}000"  # nanoseconds, as pandas has them

    assert codec.pack(Stamp(2024, 5, 1)) == {"$datetime": "2024-05-01T00:00:00"}


def test_time_zone_arrives_as_its_offset() -> None:
    zone = timezone(timedelta(hours=1), "CET")

    assert sent(datetime(2026, 11, 21, 12, tzinfo=zone)) == datetime(2026, 11, 21, 11, tzinfo=UTC)


class Color(Enum):
    RED = "red"


class Size(bytes, Enum):
    SMALL = b"small"


class Level(IntEnum):
    HIGH = 3


class Word(StrEnum):
    YES = "yes"


class Name(str):
    __slots__ = ()


@dataclass
class Point:
    x: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    points: list[Point]
    area: float = field(init=False, default=0.0)


class Item(BaseModel):
    name: str
    price: Decimal
    kind: Color = Color.RED
    full_name: str = Field(default="", alias="fullName")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Color.RED, "red"),
        (Size.SMALL, b"small"),
        (Level.HIGH, 3),
        (Word.YES, "yes"),
        (Name("x"), "x"),
        (OrderedDict(a=1), {"a": 1}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (Pair(1, 2), (1, 2)),
        ({Color.RED: 1}, {"red": 1}),
        (Point(1, "a"), {"x": 1, "label": "a"}),
        (Shape([Point(1)]), {"points": [{"x": 1, "label": ""}], "area": 0.0}),
        (
            Item(name="a", price=Decimal(2), fullName="A"),
            {"name": "a", "price": Decimal(2), "kind": "red", "fullName": "A"},
        ),
    ],
)
def test_value_of_ones_own_type_travels_as_the_plain_one(value: Any, expected: Any) -> None:
    assert typed(sent(value)) == typed(expected)


@pytest.mark.parametrize(
    "value",
    [object(), lambda: None, Point, iter([1]), range(3), Future(), DeploymentHandle("Model")],
)
def test_value_that_cannot_travel_is_refused(value: Any) -> None:
    with pytest.raises(
        NotSerializable, match=f"^argument 1 is a .*{type(value).__name__}"
    ) as caught:
        codec.dumps(value, "argument 1")

    assert isinstance(caught.value, TypeError)


def test_refusal_says_where_the_value_is() -> None:
    with pytest.raises(NotSerializable, match=r"^argument 1\['a'\] is a builtins.object"):
        codec.dumps({"a": [object()]}, "argument 1")


def test_response_inside_a_value_is_refused_with_the_remedy() -> None:
    with pytest.raises(
        ServeError, match="only pass `DeploymentResponse` objects as top level arguments"
    ):
        codec.dumps([DeploymentResponse(Future())])


@pytest.mark.parametrize(
    ("packed", "value"),
    [
        ({"$unknown": 1}, {"$unknown": 1}),
        ({"$": []}, {"$": []}),
        ({"$import": "os"}, {"$import": "os"}),
        ({"$bytes": "AA==", "more": 1}, {"$bytes": "AA==", "more": 1}),
        ([{"$set": [{"$date": "2026-11-21"}]}], [{date(2026, 11, 21)}]),
    ],
)
def test_only_known_tags_that_stand_alone_are_read(packed: Any, value: Any) -> None:  # R10
    assert codec.unpack(packed) == value


WRONG: list[Any] = [None, True, 1, 1.5, "x", "ü", [], [[]], [1, 2, 3, 4, 5, 6, 7, 8], {"a": 1}]


@pytest.mark.parametrize("content", WRONG)
@pytest.mark.parametrize("tag", sorted(set(codec._READERS) - {"$ndarray"}))
def test_tag_with_any_content_is_a_value_or_an_invalid_call(tag: str, content: Any) -> None:
    with contextlib.suppress(InvalidCall):
        value = codec.unpack({tag: content})
        module = type(value).__module__.partition(".")[0]
        assert module in {"builtins", "datetime", "decimal", "pathlib"}


@pytest.mark.parametrize(
    "packed",
    [
        {"$bytes": "@@@@"},
        {"$bytes": "QQ==junk"},
        {"$datetime": "yesterday"},
        {"$decimal": "1,5"},
        {"$uuid": 5},
        {"$tuple": "abc"},
        {"$set": {"a": 1}},
        {"$set": [[1]]},
        {"$dict": [[[1], 2]]},
        {"$dict": [[1]]},
        {"$timedelta": [10**12]},
        {"$float": "much"},
        {"$complex": ["a", "b", "c"]},
        [{"deep": {"$date": "never"}}],
    ],
)
def test_tag_whose_content_does_not_fit_is_refused(packed: Any) -> None:
    with pytest.raises(InvalidCall, match=r"^\$[a-z]+ cannot hold "):
        codec.unpack(packed)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", "'a'", b'{"$bytes": "@"}'])
def test_what_is_no_value_is_refused(data: bytes | str) -> None:
    with pytest.raises(InvalidCall):
        codec.loads(data)


@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"a": value}, to_tuple])
def test_levels_of_a_value_are_limited_on_both_sides(wrap: Callable[[Any], Any]) -> None:
    value: Any = 1
    for _ in range(codec.MOST_DEPTH):
        value = wrap(value)
    assert sent(value) == value

    with pytest.raises(NotSerializable, match="is nested more than 128 levels deep"):
        codec.dumps(wrap(value))
    with pytest.raises(InvalidCall, match="is nested more than 128 levels deep"):
        codec.unpack([codec.pack(value)])


def test_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append({"again": value})

    with pytest.raises(NotSerializable, match="or holds itself"):
        codec.dumps(value)


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"$tuple": [' * 100_000])
def test_value_that_is_too_deep_to_be_parsed_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidCall):
        codec.loads(data)


def test_refusal_does_not_repeat_a_long_content() -> None:
    with pytest.raises(InvalidCall) as caught:
        codec.unpack({"$float": "x" * 100_000})

    assert len(str(caught.value)) < 500


def test_lone_surrogates_travel_escaped() -> None:
    assert codec.dumps("\ud800é") == b'"\\ud800\\u00e9"'
    assert sent({"\ud800": "\udfff"}) == {"\ud800": "\udfff"}


class TestArrays:
    @pytest.mark.parametrize("kind", ["f8", ">f4", "i2", "u1", "?", "c16", "S3", "U2", "M8[ns]"])
    def test_array_comes_back_with_type_and_shape(self, kind: str) -> None:
        array = np.arange(6).astype(kind).reshape(2, 3)
        found = sent(array)

        assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, (2, 3), array.tobytes())
        assert found.flags.writeable

    @pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1, 1, 1)])
    def test_array_of_any_shape_comes_back(self, shape: tuple[int, ...]) -> None:
        assert sent(np.zeros(shape)).shape == shape

    def test_array_that_is_not_contiguous_comes_back(self) -> None:
        array = np.arange(12).reshape(3, 4).T[::2]

        assert sent(array).tolist() == array.tolist()

    def test_scalar_arrives_as_pythons_own(self) -> None:
        scalars = [np.float32(1.5), np.int64(3), np.bool_(1), np.str_("a"), np.float64("nan")]

        assert typed(sent(scalars)) == typed([1.5, 3, True, "a", math.nan])

    def test_array_of_objects_or_fields_is_refused(self) -> None:
        for array in (np.array([object()]), np.zeros(2, dtype=[("a", "i4")]), np.longdouble(1)):
            with pytest.raises(NotSerializable):
                codec.dumps(array)

    @pytest.mark.parametrize(
        "content",
        [
            {},
            [],
            {"dtype": "O", "shape": [1], "data": "AAAAAAAAAAA="},
            {"dtype": "nothing", "shape": [1], "data": ""},
            {"dtype": "i4,i4", "shape": [1], "data": "AAAAAAAAAAA="},
            {"dtype": "(2,", "shape": [1], "data": ""},
            {"dtype": ["f8"], "shape": [1], "data": "AAAAAAAAAAA="},
            {"dtype": "f8", "shape": [2], "data": "AAAAAAAAAAA="},
            {"dtype": "f8", "shape": [1], "data": "AA=="},
            {"dtype": "f8", "shape": "x", "data": "AAAAAAAAAAA="},
            {"dtype": "f8", "shape": [10**12], "data": ""},
        ],
    )
    def test_hostile_array_is_refused(self, content: Any) -> None:  # R10
        with pytest.raises(InvalidCall, match=r"^\$ndarray cannot hold "):
            codec.unpack({"$ndarray": content})

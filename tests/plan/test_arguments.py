import functools
import io
import math
import sys
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, auto
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from adapter.errors import PlanError
from adapter.plan.arguments import Imports, expression, quoted
from adapter.serve.handles import DeploymentHandle


class Color(Enum):
    RED = "red"


class Access(Flag):
    READ = auto()
    WRITE = auto()


@dataclass(frozen=True)
class Point:
    x: int
    color: Color = Color.RED
    hidden: int = field(init=False, default=3)


@dataclass
class Line:
    points: list[Point]
    model: Any = None


class Pair(NamedTuple):
    left: int
    right: Any


class Item(BaseModel):
    name: str
    points: list[Point] = []
    full_name: str = Field(default="", alias="fullName")


class Outer:
    @dataclass
    class Inner:
        x: int

    def method(self) -> None: ...

    @staticmethod
    def static() -> None: ...


def function() -> None: ...


def rendered(value: Any) -> tuple[list[str], str]:
    imports = Imports()
    text = expression(value, imports, "Model: constructor argument 1")
    return imports.lines(), text


def made_anew(value: Any) -> Any:
    """Run the code that a value is written as."""
    lines, text = rendered(value)
    names: dict[str, Any] = {}
    exec("\n".join([*lines, f"made = {text}"]), names)
    return names["made"]


plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.just(UTC))
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.uuids()
)
values = st.recursive(
    plain | st.frozensets(plain),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=10,
)


@given(values)
@settings(deadline=None)
def test_plain_values_are_made_anew(value: Any) -> None:
    assert made_anew(value) == value


@pytest.mark.parametrize(
    "value",
    [
        Color.RED,
        Access.READ,
        Access.READ | Access.WRITE,
        Access(0),
        Point(1),
        Line([Point(1), Point(2)], model=DeploymentHandle("Model")),
        Pair(1, [Pair(2, None)]),
        Item(name="a", points=[Point(1)], fullName="A"),
        Outer.Inner(1),
        Outer,
        Outer.Inner,
        Outer.static,
        Outer.method,
        function,
        int,
        len,
        math.sqrt,
        sys.exit,
        DeploymentHandle("Model"),
        DeploymentHandle("Model", "shop"),
        DeploymentHandle("Model").predict,
        DeploymentHandle("Model", "shop", method_name="predict"),
        Path("/opt/model"),
        PurePosixPath("a/b"),
        datetime(2026, 11, 21, 14, 2, 11, 5, tzinfo=timezone(timedelta(hours=1))),
        time(14, 2, tzinfo=UTC),
        {1, "a", None, (1, 2)},
        set(),
        frozenset(),
        frozenset({1}),
        (),
        (1,),
        -math.inf,
        ...,
        {"a": {"b": [Color.RED]}},
        "it's",
        'a "b"',
        "a 'b' \"c\"",
        "line\nbreak\\ \x00 \ud800 é ${AWS::StackName}",
    ],
)
def test_value_is_made_anew_by_its_expression(value: Any) -> None:
    found = made_anew(value)

    assert found == value
    assert type(found) is type(value)


def test_nan_is_made_anew() -> None:
    assert math.isnan(made_anew(math.nan))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", '"text"'),
        ({"a": [1, (2,)]}, '{"a": [1, (2,)]}'),
        ({"b", "a"}, '{"a", "b"}'),
        (Point(1), "Point(x=1, color=Color.RED)"),
        (Decimal("1.50"), 'Decimal("1.50")'),
        (UUID(int=1), 'UUID("00000000-0000-0000-0000-000000000001")'),
        (date(2026, 11, 21), 'date.fromisoformat("2026-11-21")'),
        (timedelta(days=1), "timedelta(days=1)"),
        (DeploymentHandle("Model"), 'DeploymentHandle("Model")'),
        (DeploymentHandle("Model", "shop"), 'DeploymentHandle("Model", "shop")'),
        (Outer.Inner(1), "Outer.Inner(x=1)"),
    ],
)
def test_expression_is_what_a_person_would_write(value: Any, text: str) -> None:
    assert rendered(value)[1] == text


def test_imports_are_sorted_and_name_the_outermost_class() -> None:
    lines, _ = rendered([Point(1), Outer.Inner(1), Decimal(1), DeploymentHandle("Model")])

    assert lines == [
        "from adapter.serve import DeploymentHandle",
        "from decimal import Decimal",
        f"from {__name__} import Color, Outer, Point",
    ]


def test_same_name_of_another_module_gets_another_one() -> None:
    imports = Imports()
    assert imports.add("shop.a", "Config") == "Config"
    assert imports.add("shop.b", "Config.Inner") == "shop_b_Config.Inner"
    assert imports.add("shop.a", "Config") == "Config"
    assert imports.add("shop.b", "Config") == "shop_b_Config"

    assert imports.lines() == [
        "from shop.a import Config",
        "from shop.b import Config as shop_b_Config",
    ]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (lambda: None, "a lambda, which cannot be imported by name"),
        (io.StringIO(), "an open file; only plain values"),
        (object(), "a live builtins.object object"),
        (Outer(), "a live tests.plan.test_arguments.Outer object"),
        (Outer().method, "Outer.method, which cannot be imported by name"),
        ([].append, "list.append, which cannot be imported by name"),
        (str.join, "str.join, which cannot be imported by name"),
        (type(None), "builtins.NoneType, which cannot be imported by name"),
        (functools.partial(int), "a live functools.partial object"),
        (SimpleNamespace(), "a live types.SimpleNamespace object"),
        (OrderedDict(a=1), "a live collections.OrderedDict object"),
        (range(3), "a live builtins.range object"),
        (bytearray(b"a"), "a live builtins.bytearray object"),
        (sys, "a live builtins.module object"),
        (iter([1]), "a live builtins.list_iterator object"),
        (datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")), "in the time zone zoneinfo.Zone"),
    ],
)
def test_value_that_code_cannot_make_is_refused(value: Any, found: str) -> None:
    with pytest.raises(PlanError) as caught:
        expression(value, Imports(), "Model: constructor argument 1")

    assert str(caught.value).startswith("Model: constructor argument 1 is ")
    assert found in str(caught.value)


def test_open_file_on_disk_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("w") as file, pytest.raises(PlanError, match="an open file"):
        expression(file, Imports(), "Model: constructor argument 1")


def test_class_inside_a_function_is_refused() -> None:
    @dataclass
    class Local:
        x: int

    for value in (Local, Local(1)):
        with pytest.raises(PlanError, match="define it at the top level of a module"):
            expression(value, Imports(), "Model: constructor argument 1")


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": object()}, "argument 1['a'] is"),
        (Line([], model={"b": object()}), "argument 1.model['b'] is"),
        ([object()], "argument 1 is"),
    ],
)
def test_refusal_says_where_the_value_is(value: Any, where: str) -> None:
    with pytest.raises(PlanError) as caught:
        expression(value, Imports(), "argument 1")

    assert str(caught.value).startswith(where)


def test_value_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append({"again": endless})

    with pytest.raises(PlanError, match=r"^argument 1 holds itself, or has too many levels"):
        expression(endless, Imports(), "argument 1")


@given(st.text())
@settings(deadline=None)
def test_quoted_text_reads_back(text: str) -> None:
    assert eval(quoted(text)) == text

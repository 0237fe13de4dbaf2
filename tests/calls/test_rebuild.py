from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Annotated, Any, ClassVar, Generic, Optional, TypeVar, Union, cast

import pytest
from pydantic import BaseModel, Field
from pydantic.dataclasses import dataclass as pydantic_dataclass

from adapter import serve
from adapter.calls import codec
from adapter.calls.rebuild import Signature, rebuild
from adapter.errors import InvalidCall
from adapter.function import entry_point

T = TypeVar("T")


class Color(Enum):
    RED = "red"


@dataclass(frozen=True)
class Point:
    x: int
    color: Color = Color.RED


@dataclass
class Line:
    points: list[Point]
    end: Point | None = None
    length: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.length = len(self.points)


@dataclass
class Tree:
    children: list["Tree"]


class Names(BaseModel):
    names: list[str]


class Item(BaseModel):
    name: str
    price: Decimal = Decimal(0)
    full_name: str = Field(default="", alias="fullName")


class Box(BaseModel, Generic[T]):
    content: T


@pydantic_dataclass
class Strict:
    number: int


# As programs write it that are older than `|`; it is another class up to Python 3.13.
MAYBE = Optional[Point]  # noqa: UP045 - see above
EITHER = Union[Item, Point]  # noqa: UP007 - see above


def sent(value: Any) -> Any:
    """Send a value over the wire."""
    return codec.loads(codec.dumps(value))


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (Color, Color.RED),
        (Point, Point(1)),
        (Line, Line([Point(1), Point(2)], end=Point(3))),
        (Item, Item(name="a", price=Decimal("1.5"), fullName="A")),
        (Box[int], Box[int](content=1)),
        (Strict, Strict(number=1)),
        (list[Point], [Point(1)]),
        (Sequence[Point], [Point(1)]),
        (Iterable[Point], [Point(1)]),
        (set[Color], {Color.RED}),
        (frozenset[Color], frozenset({Color.RED})),
        (tuple[Point, ...], (Point(1), Point(2))),
        (tuple[Point, int], (Point(1), 2)),
        (dict[str, Item], {"a": Item(name="a")}),
        (Mapping[str, Point], {"a": Point(1)}),
        (dict[Color, int], {Color.RED: 1}),
        (dict[str, list[Point | None]], {"a": [None, Point(1)]}),
        (MAYBE, Point(1)),
        (MAYBE, None),
        (EITHER, Point(1)),
        (EITHER, Item(name="a")),
        (Point | int, 3),
        (int | Point, Point(3)),
        (str | Color, Color.RED),
        (str | Color, "blue"),
        (list[Point] | str, "text"),
        (list[Point] | str, [Point(1)]),
        (Annotated[Point, "noted"] | None, Point(1)),
        (dict[str, Any] | Point, {"anything": 1}),
    ],
)
def test_value_comes_back_as_the_hinted_type(hint: Any, value: Any) -> None:
    def method(argument: Any) -> None: ...

    method.__annotations__["argument"] = hint
    assert Signature(method).rebuild([sent(value)], {}) == ((value,), {})


@dataclass
class OtherPoint:
    x: int
    color: str = "red"


class OtherColor(Enum):
    CRIMSON = "red"


class NamedPoint(BaseModel):
    x: int
    color: Color


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (Point, Point(1), Point(1)),
        (Point, OtherPoint(1), Point(1)),
        (Point, NamedPoint(x=1, color=Color.RED), Point(1)),
        (NamedPoint, OtherPoint(1), NamedPoint(x=1, color=Color.RED)),
        (Color, OtherColor.CRIMSON, Color.RED),
        (list[Point], [OtherPoint(1)], [Point(1)]),
        (OtherPoint | Point, Point(1), Point(1)),
        (Point | OtherPoint, OtherPoint(1), OtherPoint(1)),
        (str | Color, OtherColor.CRIMSON, Color.RED),
        (object, OtherPoint(1), OtherPoint(1)),
    ],
)
def test_object_of_another_class_becomes_the_hinted_type(
    hint: Any,
    value: Any,
    expected: Any,
) -> None:
    def method(argument: Any) -> None: ...

    method.__annotations__["argument"] = hint
    ((arrived,), _) = Signature(method).rebuild([value], {})

    assert (type(arrived), arrived) == (type(expected), expected)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (set[Color], {Color.RED}),
        (tuple[Point, ...], (Point(1),)),
        (tuple[Color, int], (Color.RED, 1)),
    ],
)
def test_list_of_a_caller_without_tags_becomes_the_hinted_container(hint: Any, value: Any) -> None:
    plain = [codec.pack(item) for item in value]

    assert rebuild(hint, plain, "argument") == value


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (Color, "blue", "argument 'a' is no Color: 'blue' is not a valid Color"),
        (Point, 3, "argument 'a' is no Point: 3"),
        (Point, {}, "argument 'a' is no Point: Point.__init__() missing 1 required positional"),
        (Point, {"x": 1, "y": 2}, "argument 'a' is no Point: Point.__init__() got an unexpected"),
        (Line, {"points": [3]}, "argument 'points' is no Point: 3"),
        (Line, {"points": [{"x": 1, "color": "blue"}]}, "argument 'color' is no Color: 'blue'"),
        (Item, {}, "argument 'a' is no Item: 1 validation error for Item"),
        (Strict, {"number": "x"}, "argument 'a' is no Strict: 1 validation error for Strict"),
        (Point | None, "x", "argument 'a' is no Point: 'x'"),
        (list[Item], [{"name": "a"}, {}], "argument 'a' is no Item: 1 validation error"),
        (tuple[Point, Point], [{"x": 1}], "argument 'a' must hold 2 values, found [{'x': 1}]"),
    ],
)
def test_value_that_does_not_fit_is_an_invalid_call(hint: Any, value: Any, message: str) -> None:
    with pytest.raises(InvalidCall) as caught:
        rebuild(hint, value, "a")

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (Any, {"x": 1}),
        (date, "2026-11-21"),
        (int, "1"),
        (list[int], ["1"]),
        (Callable[[Point], int], {"x": 1}),
        (type[Point], "Point"),
        (Counter[Color], {"red": 1}),
        (list[Point], {"x": 1}),
        (dict[str, Point], [1]),
        (T, {"x": 1}),
    ],
)
def test_value_without_a_model_to_rebuild_stays_plain(hint: Any, value: Any) -> None:
    assert rebuild(hint, value, "argument") == value


def test_variable_arguments_are_rebuilt_one_by_one() -> None:
    def method(first: Color, *rest: Point, top: Item, **more: Color) -> None: ...

    args, kwargs = Signature(method).rebuild(
        ["red", {"x": 1}, {"x": 2}],
        {"top": {"name": "a"}, "one": "red", "two": "red"},
    )

    assert args == (Color.RED, Point(1), Point(2))
    assert kwargs == {"top": Item(name="a"), "one": Color.RED, "two": Color.RED}


def test_method_of_an_instance_is_rebuilt_without_self() -> None:
    class Model:
        def predict(self, point: Point, /, *, color: Color = Color.RED) -> None: ...

    args, kwargs = Signature(Model().predict).rebuild([{"x": 1}], {"color": "red"})

    assert (args, kwargs) == ((Point(1),), {"color": Color.RED})


def test_arguments_that_do_not_fit_the_parameters_are_a_type_error() -> None:
    def method(point: Point) -> None: ...

    signature = Signature(method)
    with pytest.raises(TypeError, match="missing a required argument: 'point'"):
        signature.rebuild([], {})
    with pytest.raises(TypeError, match="too many positional arguments"):
        signature.rebuild([1, 2], {})


def unresolved(point: Any) -> None: ...


unresolved.__annotations__["point"] = "Nowhere"


@pytest.mark.parametrize(
    "method",
    [unresolved, lambda point: point, partial(rebuild), len, dict.update],
)
def test_method_without_usable_hints_gets_plain_values(method: Any) -> None:
    assert Signature(method).rebuild([{"x": 1}], {}) == (({"x": 1},), {})


def test_dataclass_whose_hints_name_nothing_is_an_invalid_call() -> None:
    broken = make_dataclass("Broken", [("inner", "Nowhere")])

    with pytest.raises(InvalidCall, match="argument 'a' is no Broken"):
        rebuild(broken, {"inner": 1}, "a")


def test_value_that_goes_deeper_than_python_is_an_invalid_call() -> None:
    def plant(tree: Tree) -> None: ...

    value: dict[str, Any] = {"children": []}
    for _ in range(1_000):
        value = {"children": [value]}

    with pytest.raises(InvalidCall, match="argument 'tree' is nested too deeply"):
        Signature(plant).rebuild([value], {})


@dataclass
class Minus:
    operand: "Term"
    sign: str  # which no value below has


@dataclass
class Group:
    made: ClassVar[int] = 0

    operand: "Term"

    def __post_init__(self) -> None:
        Group.made += 1


Term = Minus | Group | int


@pytest.mark.parametrize("inside", [1, {"neither": 1}])
def test_unions_that_nest_are_tried_once_for_each_value(
    inside: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Group, "made", 0)
    value = inside
    for _ in range(30):  # a thousand million ways
        value = {"operand": value}
    try:
        found = rebuild(Term, value, "x")
    except InvalidCall:
        found = None

    assert Group.made == (30 if inside == 1 else 0)
    assert (found is not None) is (inside == 1)


def test_equal_values_in_two_places_are_two_objects() -> None:
    first, second = rebuild(list[Minus | Group], [{"operand": 1}, {"operand": 1}], "x")

    assert first == second
    assert first is not second


def test_refusal_does_not_repeat_a_long_value() -> None:
    with pytest.raises(InvalidCall) as caught:
        rebuild(Names, {"names": [1] * 10_000}, "a")

    assert len(str(caught.value)) < 1_500


def test_value_that_has_its_type_already_is_kept() -> None:
    point = Point(1)

    assert rebuild(Point, point, "a") is point


def test_batched_method_gets_elements_of_what_it_takes() -> None:
    class Model:
        @serve.batch
        async def name(
            self,
            items: list[Item],
            points: Sequence[Point],
            rest: list,  # type: ignore[type-arg]  # a list of anything, as users write it
        ) -> list[str]:
            return [
                f"{item.name} {point.x} {more}"
                for item, point, more in zip(items, points, rest, strict=True)
            ]

    function = entry_point(Model)
    try:
        event = {"method": "name", "args": [{"name": "a"}, {"x": 1}, {"b": 2}]}
        assert function(event) == "a 1 {'b': 2}"
    finally:
        function.close()


def test_handle_call_of_a_batched_method_brings_a_model() -> None:
    @serve.deployment
    class Model:
        @serve.batch
        async def name(self, items: list[Item]) -> list[str]:
            return [item.name for item in items]

    serve.start(http_options={"port": 0})
    try:
        handle: Any = serve.run(cast("Any", Model).bind())
        assert handle.name.remote(Item(name="a")).result(timeout_s=10) == "a"
    finally:
        serve.shutdown()

"""Objects that travel between handles and deployments arrive as what they were."""

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum, Flag, IntEnum, StrEnum
from functools import cached_property
from typing import Any

import pytest
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    RootModel,
    computed_field,
    field_serializer,
    field_validator,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass

from adapter.calls import codec
from adapter.errors import InvalidCall, NotSerializable


class Colour(Enum):
    RED = "red"
    BLUE = (0, 0, 255)


class Level(IntEnum):
    HIGH = 3


class Word(StrEnum):
    YES = "yes"


class Access(Flag):
    READ = 1
    WRITE = 2


@dataclass
class Point:
    x: int
    colour: Colour = Colour.RED


@dataclass(frozen=True, slots=True)
class Shape:
    points: list[Point]
    area: float = field(init=False, default=0.0)


@dataclass
class Counted:
    """Whose constructor does more than to keep what it gets."""

    words: list[str]
    count: int = field(init=False)

    def __post_init__(self) -> None:
        self.words = [*self.words, "end"]
        self.count = len(self.words)
        self.note = "made"

    @cached_property
    def lock(self) -> Any:
        return threading.Lock()


@dataclass
class Guarded:
    x: int

    def __post_init__(self) -> None:
        self.lock = threading.Lock()


@pydantic_dataclass
class Checked:
    x: int


class Item(BaseModel):
    model_config = ConfigDict(extra="allow", populate_by_name=True)

    name: str
    price_cents: int = Field(default=0, alias="priceCents")
    secret: str = Field(default="", exclude=True)
    where: Point | None = None
    any_of: Any = None
    _seen: int = PrivateAttr(default=0)

    @computed_field
    def label(self) -> str:
        return f"{self.name}!"

    @field_validator("name")
    @classmethod
    def _marked(cls, name: str) -> str:
        return f"<{name}>"  # not the same a second time

    @cached_property
    def lock(self) -> Any:
        return threading.Lock()


class Special(Item):
    more: int = 1


class Reader(BaseModel):
    """Whose fields are read by other names than they are written."""

    text: str = Field(
        validation_alias=AliasChoices("in", "text_in"),
        serialization_alias="out",
    )


class Names(RootModel[list[str]]):
    pass


class Table(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    rows: Any

    @field_serializer("rows")
    def _plain(self, rows: Any) -> list[int]:
        return list(rows.values)


class Rows:
    values = (1, 2)


@dataclass
class Tree:
    below: Any


class Outer:
    class Inner(BaseModel):
        x: int


def sent(value: Any) -> Any:
    """Send a value between a handle and a deployment."""
    return codec.loads(codec.dumps(value, objects=True))


def item(**fields: Any) -> Item:
    made = Item(**{"name": "a", **fields})
    made._seen = 5
    _ = made.lock
    return made


def counted() -> Counted:
    made = Counted(["a"])
    _ = made.lock
    return made


@pytest.mark.parametrize(
    "value",
    [
        Colour.RED,
        Colour.BLUE,
        Level.HIGH,
        Word.YES,
        Access.READ | Access.WRITE,
        Point(1),
        Shape([Point(1), Point(2, Colour.BLUE)]),
        counted(),
        Checked(1),
        item(),
        item(price_cents=5, secret="s", where=Point(1), extra=[Point(2)], any_of=Outer.Inner(x=1)),
        Special(name="b", more=2),
        Reader.model_validate({"in": "x"}),
        Names(["a"]),
        Outer.Inner(x=1),
        [{"a": (Point(1),)}, {Colour.RED: Shape([])}],
        Item.model_construct(name=5, price_cents=None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_object_arrives_as_what_it_was(value: Any) -> None:
    arrived = sent(value)

    assert type(arrived) is type(value)
    assert arrived == value
    assert repr(arrived) == repr(value)


def test_fields_of_a_model_that_were_not_set_arrive_so() -> None:
    arrived = sent(item(extra=1))

    assert arrived.model_dump(exclude_unset=True) == {"name": "<a>", "extra": 1, "label": "<a>!"}
    assert arrived._seen == 5


def test_what_a_dataclass_holds_besides_its_fields_arrives() -> None:
    arrived = sent(counted())

    assert (arrived.words, arrived.count, arrived.note) == (["a", "end"], 2, "made")
    assert "lock" not in vars(arrived)


def test_enum_member_is_the_same_one() -> None:
    assert sent(Colour.RED) is Colour.RED
    assert sent(Point(1)).colour is Colour.RED


def test_plain_form_of_what_is_on_the_wire_is_what_others_get() -> None:
    value = item(price_cents=5, secret="s", where=Point(1))
    (tag, (module, qualname, content, _)), *others = codec.pack(value, objects=True).items()

    assert (tag, module, qualname, others) == ("$object", __name__, "Item", [])
    named = {"$object": ["nowhere", "Item", content, {}]}
    assert codec.unpack(named, objects=True) == {**codec.plain(value), "where": Point(1)}


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Point(1), {"x": 1, "colour": "red"}),
        (Colour.BLUE, (0, 0, 255)),
        (Names(["a"]), ["a"]),
        (Reader.model_validate({"in": "x"}), {"out": "x"}),
    ],
)
def test_receiver_without_the_class_gets_the_plain_value(value: Any, plain: Any) -> None:
    data = codec.dumps(value, objects=True).replace(__name__.encode(), b"nowhere")

    assert codec.loads(data) == plain


@pytest.mark.parametrize("value", [Guarded(1), Table(rows=Rows())])
def test_object_that_holds_what_cannot_travel_is_sent_as_before(value: Any) -> None:
    assert codec.dumps(value, objects=True) == codec.dumps(value)


def test_class_of_a_function_is_sent_as_before() -> None:
    @dataclass
    class Local:
        x: int

    assert sent(Local(1)) == {"x": 1}


def test_field_that_cannot_travel_is_named() -> None:
    with pytest.raises(NotSerializable, match=r"^argument 0\['points'\]\[?.* is a _thread.lock"):
        codec.dumps(Shape([threading.Lock()]), "argument 0", objects=True)  # type: ignore[list-item]


def test_nobody_else_gets_or_gives_names_of_classes() -> None:
    assert codec.pack(Point(1)) == {"x": 1, "colour": "red"}
    tagged = {"$object": [__name__, "Point", {"x": 1, "colour": "red"}]}
    assert codec.unpack(tagged) == tagged


def test_data_that_looks_like_an_object_stays_data() -> None:
    for looks in ({"$object": [__name__, "Point", {"x": 1}]}, {"$value": ["m", "n", 1]}):
        assert sent(looks) == looks
        assert codec.loads(codec.dumps(looks)) == looks


def test_class_with_other_fields_is_made_by_its_constructor() -> None:
    """As it is while one function is deployed before the other."""
    older = {"$object": [__name__, "Counted", {"words": ["a"]}]}
    assert codec.unpack(older, objects=True) == Counted(["a"])

    older = {"$object": [__name__, "Item", {"name": "a", "priceCents": 2}]}
    assert codec.unpack(older, objects=True) == Item(name="a", priceCents=2)

    for unfit in ({}, {"x": 1, "y": 2}):
        with pytest.raises(InvalidCall, match="is no Point"):
            codec.unpack({"$object": [__name__, "Point", unfit]}, objects=True)


NO_OBJECTS: list[tuple[str, str]] = [
    ("gadget", "Gadget"),
    ("os", "system"),
    ("builtins", "eval"),
    ("builtins", "int"),
    ("builtins", "dict"),
    ("builtins", "KeyError"),
    ("builtins", "BaseException"),
    ("collections", "OrderedDict"),
    ("enum", "Enum"),
    ("enum", "IntEnum"),
    ("pydantic.main", "Nobody"),
    ("subprocess", "Popen"),
    ("threading", "Thread"),
    (__name__, "Rows"),
    (__name__, "Outer"),
    (__name__, "item"),
    (__name__, "threading.Thread"),
]


@pytest.mark.parametrize(("module", "qualname"), NO_OBJECTS)
@pytest.mark.parametrize("tag", ["$object", "$value"])
def test_what_is_no_model_dataclass_or_enum_stays_plain(
    tag: str,
    module: str,
    qualname: str,
) -> None:
    content = {"x": [{"$tuple": [1]}]} if tag == "$object" else {"$tuple": [1]}
    value = codec.unpack({tag: [module, qualname, content]}, objects=True)

    assert value == ({"x": [(1,)]} if tag == "$object" else (1,))


@pytest.mark.parametrize("tag", ["$object", "$value"])
@pytest.mark.parametrize(
    "content",
    [
        *(None, 1, "x", [], {}, [1], ["a", "b"], [__name__, "Point", [1]]),
        *([__name__, "Colour", "green"], [__name__, "Colour", {"a": 1}], [__name__, "Names", 1, 2]),
        [__name__, "Point", {"x": 1, "colour": "red"}, 5],
        [__name__, "Point", {"x": 1, "colour": "red"}, {"hidden": 5}],
        [__name__, "Shape", {"points": [], "area": 0}, {"hidden": {"__class__": 1}}],
        [__name__, "Item", {}, {"unset": [[]]}],
        [__name__, "Item", {"name": "a"}, {"unset": 5}],
        [__name__, "Point", {"x": {"$date": "never"}, "colour": 1}],
        [__name__, "Checked", {"x": 1}, {"hidden": {"x": 5, "y": 6}}, 1],
        [__name__, "Outer.Inner", {"y": 1}],
    ],
)
def test_tag_with_any_content_is_data_or_an_invalid_call(tag: str, content: Any) -> None:
    try:
        value = codec.loads(json.dumps({tag: content}))
    except InvalidCall:
        return
    assert type(value) in {int, str, list, dict, Names}


def test_hidden_state_cannot_change_the_class_of_an_object() -> None:
    fields = {"x": 1, "colour": "red"}
    hidden = {"__class__": "Item", "__dict__": {"y": 2}}
    made = codec.unpack({"$object": [__name__, "Point", fields, {"hidden": hidden}]}, objects=True)

    assert type(made) is Point
    assert made.x == 1


def test_dict_of_ones_own_type_is_a_dict() -> None:
    assert sent(OrderedDict(a=1)) == {"a": 1}


def test_levels_of_objects_are_limited_on_both_sides() -> None:
    deep: Any = None
    for _ in range(codec.MOST_DEPTH):
        deep = Tree(deep)
    arrived, levels = sent(deep), 0
    while arrived is not None:
        arrived, levels = arrived.below, levels + 1
    assert levels == codec.MOST_DEPTH

    with pytest.raises(NotSerializable, match="nested more than 128 levels deep"):
        codec.dumps(Tree(deep), objects=True)
    with pytest.raises(InvalidCall, match="nested more than 128 levels deep"):
        codec.unpack([codec.pack(deep, objects=True)], objects=True)


def test_object_that_holds_itself_is_refused() -> None:
    point: Any = Point(1)
    point.x = [point, point]

    with pytest.raises(NotSerializable, match="or holds itself"):
        codec.dumps(point, objects=True)

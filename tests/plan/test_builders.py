"""Application builders, with arguments as `adapter run module:builder key=value` gives them."""

import pytest

from adapter.errors import ServeError, TargetError
from adapter.plan.builders import WrongArguments
from tests.plan.programs import Program

PROGRAM = """
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

@serve.deployment
class Model:
    def __init__(self, *args): ...

class Args(BaseModel):
    size: int
    name: str = Field("small", alias="called")
    factor: float = 1.0

class Open(Args):
    model_config = ConfigDict(extra="ignore")

class Aliased(BaseModel):
    size: int = Field(validation_alias=AliasChoices("size", "width"))

class Failing(BaseModel):
    @classmethod
    def model_validate(cls, args):
        raise ValueError("a failure of its own")

def plain(args):
    return Model.bind(args)

def by_model(args: Args):
    return Model.bind(args.size, args.name)

def by_open_model(args: Open):
    return Model.bind(args.size)

def by_alias(args: Aliased):
    return Model.bind(args.size)

def by_failing_model(args: Failing): ...

def by_key(args: dict[str, str]):
    return Model.bind(args["size"])

def careless(args):
    return Model.bind({}["size"])

def deeper(args):
    return careless(args)

def in_text(args: "Args"):
    return Model.bind(args.size)

def unreadable(args: "Nowhere"): ...
async def is_async(args): ...
def unbound(args): return Model
def nothing(args): ...
def none(): ...
def two(args, more): ...
def any_number(*args): ...
def annotated() -> serve.Application: ...
def annotated_too() -> "serve.Application[Model]": ...
app = Model.bind()
number = 3
"""


def entry_point(program: Program, target: str, **arguments: str) -> str:
    return program.plan(PROGRAM, f"program:{target}", arguments=arguments).functions[0].entry_point


@pytest.mark.parametrize(
    ("target", "arguments", "constructor"),
    [
        ("plain", {}, "{}"),
        ("plain", {"size": "3", "name": "a=b"}, '{"size": "3", "name": "a=b"}'),
        ("by_model", {"size": "3", "called": "large"}, '3, "large"'),
        ("by_key", {"size": "3"}, '"3"'),
        ("by_open_model", {"size": "3", "surplus": "x"}, "3"),
        ("by_alias", {"width": "3"}, "3"),
        ("in_text", {"size": "3"}, "3"),
    ],
)
def test_a_builder_makes_the_application_of_its_arguments(
    program: Program,
    target: str,
    arguments: dict[str, str],
    constructor: str,
) -> None:
    text = entry_point(program, target, **arguments)

    assert f"handler = entry_point(Model, {constructor})\n" in text


def test_the_target_is_written_with_its_arguments(program: Program) -> None:
    plan = program.plan(PROGRAM, "program:plain", arguments={"size": "3", "text": "two\nlines"})

    assert plan.target == "program:plain size=3 text=..."
    assert "Written by `adapter build program:plain size=3 text=...`." in (
        plan.functions[0].entry_point
    )


@pytest.mark.parametrize(
    ("target", "arguments", "lines"),
    [
        ("by_model", {}, ["argument size: field required"]),
        (
            "by_model",
            {"size": "many", "factor": "x", "sise": "3"},
            [
                "argument sise: Args has no such field. Did you mean 'size'?",
                (
                    "argument size: input should be a valid integer, unable to parse string as an "
                    "integer; found 'many'"
                ),
                (
                    "argument factor: input should be a valid number, unable to parse string as a "
                    "number; found 'x'"
                ),
            ],
        ),
        (
            "by_model",
            {"size": "3", "zebra": "3"},
            ["argument zebra: Args has no such field. Known are called, factor, name, size."],
        ),
        ("by_key", {}, ["argument size: is missing; the builder asks for it"]),
    ],
)
def test_wrong_arguments_are_one_error_that_names_each(
    program: Program,
    target: str,
    arguments: dict[str, str],
    lines: list[str],
) -> None:
    with pytest.raises(WrongArguments) as caught:
        entry_point(program, target, **arguments)

    assert str(caught.value).splitlines() == [
        f"program:{target} cannot take these arguments.",
        *lines,
    ]


@pytest.mark.parametrize("target", ["careless", "deeper"])
def test_a_key_error_of_other_things_is_the_programs_own(program: Program, target: str) -> None:
    with pytest.raises(KeyError, match="size") as caught:
        entry_point(program, target, size="3")

    assert not isinstance(caught.value, TargetError)


@pytest.mark.parametrize(
    ("target", "arguments", "message"),
    [
        ("none", {"a": "1"}, "cannot take arguments (a): it has no parameter. An application"),
        ("two", {"a": "1"}, "it has 2 parameters. An application builder is a function of exactly"),
        ("any_number", {"a": "1"}, "it has the parameter *args. An application builder is"),
        ("app", {"a": "1", "b": "2"}, "cannot take arguments (a, b): it is an application that is"),
        ("number", {"a": "1"}, "cannot take arguments (a): it is no function. An application"),
        ("annotated", {}, "is no application builder: it has no parameter. An application builder"),
        ("annotated_too", {}, "is no application builder: it has no parameter."),
        ("is_async", {}, "is async; an application builder is a plain function."),
        ("unreadable", {}, "its annotations cannot be read: name 'Nowhere' is not defined."),
        ("unbound", {}, "returned a deployment that is not bound yet; return Model.bind() inst"),
        ("nothing", {}, "called as an application builder, because it has one parameter, and ret"),
    ],
)
def test_what_is_no_builder_says_what_one_is(
    program: Program,
    target: str,
    arguments: dict[str, str],
    message: str,
) -> None:
    with pytest.raises(TargetError) as caught:
        entry_point(program, target, **arguments)

    assert str(caught.value).startswith(f"program:{target}")
    assert message in str(caught.value)


def test_a_failure_of_the_model_itself_passes(program: Program) -> None:
    with pytest.raises(ValueError, match="a failure of its own"):
        entry_point(program, "by_failing_model")


def test_serve_run_in_a_builder_is_refused(program: Program) -> None:
    source = PROGRAM + "def eager(args): serve.run(app)"
    with pytest.raises(ServeError, match="under `if __name__ == '__main__':`"):
        program.plan(source, "program:eager")

import json
from typing import Any

import pytest

from adapter.calls import event
from adapter.calls.event import CallEvent, parse
from adapter.calls.shape import is_call
from adapter.errors import InvalidCall, NotSerializable
from adapter.serve import context
from adapter.serve.context import DeploymentContext, InvocationContext
from adapter.serve.transport import Call
from tests import events


@pytest.mark.parametrize(
    "found",
    [
        {"method": "predict"},
        {"args": []},
        {"kwargs": {}},
        {"method": None, "args": None, "kwargs": None},
        {"method": "predict", "args": [1], "kwargs": {"top": 1}, "context": {}},
    ],
)
def test_event_that_names_something_to_do_is_a_call(found: Any) -> None:
    assert is_call(found)


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"context": {}},
        {"method": "predict", "more": 1},
        {"Records": []},
        [],
        "predict",
        None,
        events.http_api(),
        events.rest_v1(),
        events.alb(),
    ],
)
def test_anything_else_is_no_call(found: Any) -> None:
    assert not is_call(found)


def test_parse_decodes_the_arguments() -> None:
    found = parse(
        {
            "method": "predict",
            "args": [1, {"$bytes": "YQ=="}],
            "kwargs": {"top": {"$tuple": [1]}},
            "context": {"request_id": "1"},
        },
    )

    assert found == CallEvent(
        method="predict",
        args=[1, b"a"],
        kwargs={"top": (1,)},
        context={"request_id": "1"},
    )


@pytest.mark.parametrize("found", [{"args": []}, {"method": None, "args": None}])
def test_what_is_left_out_has_a_default(found: Any) -> None:
    assert parse(found) == CallEvent(method="__call__", args=[], kwargs={})


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"method": 3}, "method must be a str, found 3."),
        ({"method": ["predict"]}, "method must be a str, found ['predict']."),
        ({"args": {"a": 1}}, "args must be a list, found {'a': 1}."),
        ({"args": "ab"}, "args must be a list, found 'ab'."),
        ({"kwargs": [1]}, "kwargs must be a dict, found [1]."),
        ({"args": [], "context": []}, "context must be a dict, found []."),
        ({"kwargs": {"$set": [1]}}, "kwargs must have parameter names as keys, found {1}."),
        (
            {"kwargs": {"$dict": [[1, 2]]}},
            "kwargs must have parameter names as keys, found {1: 2}.",
        ),
        ({"args": [{"$date": "never"}]}, "$date cannot hold 'never'"),
    ],
)
def test_wrong_field_is_named(found: Any, message: str) -> None:
    with pytest.raises(InvalidCall) as caught:
        parse(found)

    assert str(caught.value).startswith(message)


def call(*args: Any, **kwargs: Any) -> Call:
    return Call(
        deployment="Model",
        application="default",
        method="predict",
        args=args,
        kwargs=kwargs,
    )


def test_encode_writes_what_parse_reads() -> None:
    written = json.loads(event.encode(call(1, b"a", top=(1,))))

    assert is_call(written)
    assert parse(written)[:3] == ("predict", [1, b"a"], {"top": (1,)})


def test_encode_says_who_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    here = DeploymentContext(deployment="Gateway", application="default")
    monkeypatch.setattr(context, "_process_deployment", here)
    token = context.invocation.set(InvocationContext(request_id="r-1", deadline_ms=5))
    try:
        written = json.loads(event.encode(call()))
    finally:
        context.invocation.reset(token)

    about = {"caller": "Gateway", "request_id": "r-1", "deadline_ms": 5}
    assert written["context"] == {"objects": True, **about}


def test_encode_passes_on_the_route_but_not_the_model_of_the_request() -> None:
    served = InvocationContext(route="/api", multiplexed_model_id="a")
    token = context.invocation.set(served)
    try:
        plain = json.loads(event.encode(call()))
        chosen = json.loads(event.encode(call()._replace(multiplexed_model_id="b")))
    finally:
        context.invocation.reset(token)

    assert plain["context"]["route"] == "/api"
    assert "multiplexed_model_id" not in plain["context"]
    assert chosen["context"]["multiplexed_model_id"] == "b"


def test_encode_names_the_argument_that_cannot_travel() -> None:
    with pytest.raises(NotSerializable, match="argument 1 is a "):
        event.encode(call(1, object()))
    with pytest.raises(NotSerializable, match="argument 'top' is a "):
        event.encode(call(top=object()))

import asyncio
import copy
import pickle
from typing import Any

import pytest

from adapter.errors import ServeError
from adapter.serve.handles import DeploymentHandle
from adapter.serve.responses import DeploymentResponse, DeploymentResponseGenerator
from adapter.serve.transport import Call
from tests.serve.recorder import Recorder

handle = DeploymentHandle("Model")


def test_handle_is_a_value() -> None:
    assert handle == DeploymentHandle("Model", "default")
    assert hash(handle) == hash(DeploymentHandle("Model"))
    assert handle != DeploymentHandle("Other")
    assert handle != DeploymentHandle("Model", "other")
    assert handle != handle.predict
    assert handle != "Model"
    assert repr(handle) == "DeploymentHandle(deployment='Model')"
    assert (handle.deployment_name, handle.app_name) == ("Model", "default")


def test_handle_is_initialized_when_it_is_used(recorder: Recorder) -> None:
    fresh, changed, called = (DeploymentHandle("Model") for _ in range(3))
    copied = changed.options(stream=True)
    called.remote()

    handles = [fresh, changed, copied, called, pickle.loads(pickle.dumps(called))]
    assert [each.is_initialized for each in handles] == [False, True, True, True, False]
    assert len(recorder.calls) == 1


def test_handle_can_be_initialized_once_and_before_it_is_used() -> None:
    fresh = DeploymentHandle("Model")
    fresh._init(_prefer_local_routing=True)

    with pytest.raises(RuntimeError, match="Handle has already been initialized"):
        fresh._init()


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda h: pickle.loads(pickle.dumps(h))]
)
def test_handle_can_be_copied_and_pickled(copied: Any) -> None:
    assert copied(handle.predict) == handle.predict


def test_attribute_is_a_handle_of_that_method() -> None:
    assert handle.predict == handle.options(method_name="predict")
    assert handle.predict != handle.explain
    assert handle.predict.explain == handle.explain


def test_private_attribute_is_none_of_the_deployment() -> None:
    with pytest.raises(AttributeError, match="_secret"):
        _ = handle._secret
    assert not hasattr(handle, "__fspath__")


@pytest.mark.parametrize("name", ["", None, 3])
def test_method_name_must_be_a_name(name: Any) -> None:
    with pytest.raises(ServeError, match=f"method_name={name!r} must be the name of a method"):
        handle.options(method_name=name)


@pytest.mark.parametrize("stream", ["yes", None, 1])
def test_stream_must_be_true_or_false(stream: Any) -> None:
    with pytest.raises(ServeError, match=f"stream={stream!r} must be True or False"):
        handle.options(stream=stream)


def test_options_that_are_left_out_stay() -> None:
    streaming = handle.options(stream=True)

    assert streaming.predict == handle.options(method_name="predict", stream=True)
    assert streaming.predict == handle.predict.options(stream=True)
    assert streaming.predict.options(stream=False) == handle.predict
    assert streaming.options() == streaming != handle


def test_unknown_handle_option_is_a_type_error_that_names_it() -> None:
    options: Any = handle.options
    with pytest.raises(TypeError, match="unexpected keyword argument 'method'"):
        options(method="predict")


def test_options_of_rays_router_are_taken_and_change_nothing() -> None:
    changed = handle.options(
        session_id="a",
        _prefer_local_routing=True,
        _by_reference=False,
        request_serialization="msgpack",
        response_serialization="orjson",
    )

    assert changed == handle


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"session_id": 3}, "session_id=3 must be a string"),
        (
            {"request_serialization": "xml"},
            "request_serialization='xml' must be one of 'cloudpickle', 'pickle', 'msgpack', 'orjs",
        ),
        ({"response_serialization": None}, "response_serialization=None must be one of 'cloudpi"),
    ],
)
def test_option_of_rays_router_must_be_one_that_ray_has(written: Any, message: str) -> None:
    with pytest.raises(ServeError, match=f"^{message}"):
        handle.options(**written)


@pytest.mark.parametrize("name", ["broadcast", "choose_replica", "dispatch"])
def test_what_needs_the_address_of_a_replica_is_refused(name: str) -> None:
    with pytest.raises(ServeError, match=r"(which Lambda chooses|Lambda chooses the environment)"):
        getattr(handle, name)("reset", 1, key=2)


def test_there_is_nothing_to_shut_down(recorder: Recorder) -> None:
    handle.shutdown()
    asyncio.run(handle.shutdown_async())

    assert recorder.calls == []


def test_method_that_has_the_name_of_a_handles_own_is_called_by_option(recorder: Recorder) -> None:
    handle.options(method_name="shutdown").remote()

    assert [call.method for call in recorder.calls] == ["shutdown"]


def test_remote_sends_at_once(recorder: Recorder) -> None:
    handle.predict.remote(1, top=3)

    assert recorder.calls == [
        Call(
            deployment="Model",
            application="default",
            method="predict",
            args=(1,),
            kwargs={"top": 3},
        ),
    ]


def test_remote_without_method_calls_call(recorder: Recorder) -> None:
    DeploymentHandle("Model", "shop").remote()

    assert recorder.calls == [Call(deployment="Model", application="shop", method="__call__")]


def test_remote_with_stream_returns_a_generator(recorder: Recorder) -> None:
    response = handle.options(stream=True).predict.remote(1)

    assert isinstance(response, DeploymentResponseGenerator)
    assert isinstance(handle.predict.remote(1), DeploymentResponse)
    assert [(call.method, call.stream) for call in recorder.calls] == [
        ("predict", True),
        ("predict", False),
    ]


@pytest.mark.parametrize("positional", [True, False])
def test_generator_as_an_argument_is_refused_unsent(
    recorder: Recorder, *, positional: bool
) -> None:
    response = handle.options(stream=True).remote()

    with pytest.raises(RuntimeError, match=r"cannot be passed to downstream handle calls"):
        handle.remote(response) if positional else handle.remote(items=response)
    assert len(recorder.calls) == 1


def test_response_as_an_argument_is_passed_on_as_its_future(recorder: Recorder) -> None:
    first = handle.remote()
    handle.explain.remote(first, again=first)

    future = recorder.futures[0]
    assert recorder.calls[1].args == (future,)
    assert recorder.calls[1].kwargs == {"again": future}

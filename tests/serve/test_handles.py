import asyncio
import copy
import pickle
from concurrent.futures import Future
from typing import Any

import pytest

from adapter import serve
from adapter.errors import ServeError
from adapter.serve import context
from adapter.serve.context import DeploymentContext
from adapter.serve.handles import DeploymentHandle, DeploymentResponse
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


def test_unknown_handle_option_is_a_type_error() -> None:
    options: Any = handle.options
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        options(method="predict")


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


def test_result_waits_outside_of_a_loop(recorder: Recorder) -> None:
    response = handle.remote()
    recorder.futures[0].set_result(42)

    assert response.result() == 42
    assert response.result(timeout_s=0) == 42


def test_response_is_awaited_inside_a_loop(recorder: Recorder) -> None:
    async def twice() -> list[Any]:
        response = handle.remote()
        recorder.futures[0].set_result(42)
        return [await response, await response]

    assert asyncio.run(twice()) == [42, 42]


def test_error_of_the_call_is_raised_by_both(recorder: Recorder) -> None:
    async def wait() -> None:
        await response

    response = handle.remote()
    recorder.futures[0].set_exception(KeyError("x"))

    with pytest.raises(KeyError):
        response.result()
    with pytest.raises(KeyError):
        asyncio.run(wait())


def test_result_is_refused_inside_a_running_loop(recorder: Recorder) -> None:
    async def block() -> None:
        response = handle.remote()
        recorder.futures[0].set_result(42)
        response.result()

    expected = "Sync methods should not be called from within an `asyncio` event loop"
    with pytest.raises(RuntimeError, match=expected):
        asyncio.run(block())


def test_result_in_a_thread_beside_a_running_loop_is_allowed(recorder: Recorder) -> None:
    async def main() -> Any:
        response = handle.remote()
        recorder.futures[0].set_result(42)
        return await asyncio.to_thread(response.result)

    assert asyncio.run(main()) == 42


def test_result_times_out(recorder: Recorder) -> None:
    response = handle.remote()

    with pytest.raises(TimeoutError):
        response.result(timeout_s=0)
    assert not recorder.futures[0].cancelled()


def test_cancel_stops_waiting(recorder: Recorder) -> None:
    response = handle.remote()
    assert not response.cancelled()
    response.cancel()

    assert response.cancelled()
    assert recorder.futures[0].cancelled()


def test_cancelling_who_waits_cancels_the_call(recorder: Recorder) -> None:
    async def wait() -> None:
        await handle.remote()

    async def main() -> None:
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])

    asyncio.run(main())

    assert recorder.futures[0].cancelled()


def test_response_as_an_argument_is_passed_on_as_its_future(recorder: Recorder) -> None:
    first = handle.remote()
    handle.explain.remote(first, again=first)

    future = recorder.futures[0]
    assert recorder.calls[1].args == (future,)
    assert recorder.calls[1].kwargs == {"again": future}


def test_response_cannot_be_pickled() -> None:
    response = DeploymentResponse(Future())

    with pytest.raises(ServeError, match="`DeploymentResponse` is not serializable"):
        pickle.dumps([response])


def test_get_deployment_handle_outside_of_a_deployment_needs_the_application() -> None:
    with pytest.raises(ServeError, match="needs app_name outside of a deployment"):
        serve.get_deployment_handle("Model")


def test_get_deployment_handle_takes_the_application_of_the_caller(recorder: Recorder) -> None:
    async def inside() -> DeploymentHandle:
        here = DeploymentContext(deployment="Gateway", application="default")
        context.enter(here, whole_process=False)
        return serve.get_deployment_handle("Model")

    assert asyncio.run(inside()) == DeploymentHandle("Model", "default")
    assert recorder.calls == []


@pytest.mark.usefixtures("recorder")
def test_get_deployment_handle_knows_what_exists() -> None:
    assert serve.get_deployment_handle("Model", "default") == handle
    with pytest.raises(KeyError):
        serve.get_deployment_handle("Nothing", "default")
    unchecked = serve.get_deployment_handle("Nothing", "default", _check_exists=False)
    assert unchecked == DeploymentHandle("Nothing")


@pytest.mark.usefixtures("recorder")
def test_get_app_handle_is_the_ingress() -> None:
    assert serve.get_app_handle("default") == DeploymentHandle("Gateway", "default")

import asyncio

import pytest

from adapter import serve
from adapter.errors import ServeError
from adapter.serve import context
from adapter.serve.context import DeploymentContext
from adapter.serve.handles import DeploymentHandle
from tests.serve.recorder import Recorder


def test_get_deployment_handle_outside_of_a_deployment_needs_the_application() -> None:
    with pytest.raises(ServeError, match="outside of a Serve application"):
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
    assert serve.get_deployment_handle("Model", "default") == DeploymentHandle("Model")
    with pytest.raises(KeyError):
        serve.get_deployment_handle("Nothing", "default")
    unchecked = serve.get_deployment_handle("Nothing", "default", _check_exists=False)
    assert unchecked == DeploymentHandle("Nothing")


@pytest.mark.usefixtures("recorder")
def test_get_app_handle_is_the_ingress() -> None:
    assert serve.get_app_handle("default") == DeploymentHandle("Gateway", "default")

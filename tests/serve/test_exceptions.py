import pickle

import pytest

from adapter import errors
from adapter.errors import AdapterError, RemoteError, ServeError, remote_error
from adapter.serve import exceptions
from adapter.serve.exceptions import (
    BackPressureError,
    DeploymentUnavailableError,
    RayServeException,
    ReplicaUnavailableError,
    RequestCancelledError,
)
from adapter.serve.replica import DeploymentID


def test_ray_serves_names_are_ours() -> None:
    assert RayServeException is ServeError
    for name in exceptions.__all__:
        assert issubclass(getattr(exceptions, name), (RayServeException, AdapterError))


def test_back_pressure_says_how_many_waited() -> None:
    error = BackPressureError(num_queued_requests=1, max_queued_requests=1)

    assert str(error) == error.message
    assert error.message == (
        "Request dropped due to backpressure (num_queued_requests=1, max_queued_requests=1)."
    )
    assert (error.status_code, error.retry_after_s) == (503, None)


def test_back_pressure_says_what_http_clients_get() -> None:
    error = BackPressureError(3, 2, status_code=429, retry_after_s=1.5)

    assert (error.status_code, error.retry_after_s) == (429, 1.5)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (RequestCancelledError("r-1"), "Request r-1 was cancelled."),
        (RequestCancelledError(), "Request was cancelled."),
        (
            DeploymentUnavailableError(DeploymentID("Model", "shop")),
            "Deployment(name='Model', app='shop') is unavailable because it failed to deploy.",
        ),
        (ReplicaUnavailableError("r-1"), "Replica r-1 is no longer available."),
    ],
)
def test_every_error_has_ray_serves_text(error: Exception, text: str) -> None:
    assert str(error) == text
    assert str(pickle.loads(pickle.dumps(error))) == text


@pytest.mark.parametrize("name", exceptions.__all__)
def test_one_of_a_callee_arrives_as_such(name: str) -> None:
    known = getattr(exceptions, name)

    error = remote_error("broken", error_type=known.__name__)

    assert isinstance(error, known)
    assert isinstance(error, RemoteError)
    assert str(error) == f"{known.__name__}: broken"


def test_back_pressure_of_a_callee_has_a_status_for_http() -> None:
    error = remote_error("full", error_type="BackPressureError")

    assert isinstance(error, BackPressureError)
    assert (error.message, error.status_code, error.retry_after_s) == ("full", 503, None)


def test_grpc_errors_are_refused_with_the_reason() -> None:
    with pytest.raises(ImportError, match="There is none here: Lambda's front doors speak HTTP"):
        from adapter.serve.exceptions import gRPCStatusError  # noqa: F401

    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = exceptions.Nothing


def test_a_failed_deployment_is_the_runtime_error_that_ray_serve_raises() -> None:
    assert issubclass(errors.DeployFailed, (RuntimeError, RayServeException))

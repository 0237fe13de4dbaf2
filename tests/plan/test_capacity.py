from typing import Any

import pytest

from adapter.errors import PlanError
from adapter.plan import capacity
from adapter.plan.values import Concurrency
from adapter.serve.lambda_options import LambdaOptions
from adapter.serve.options import DeploymentOptions


def options(**written: Any) -> DeploymentOptions:
    return DeploymentOptions(name="Model").changed(**written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({}, Concurrency()),
        ({"num_replicas": None}, Concurrency()),
        ({"num_replicas": 1}, Concurrency(provisioned=1, maximum=1)),
        ({"num_replicas": 3}, Concurrency(provisioned=3, maximum=3)),
        ({"num_replicas": "auto"}, Concurrency(provisioned=1, maximum=100, scales=True)),
        (
            {"num_replicas": "auto", "autoscaling_config": {"min_replicas": 0}},
            Concurrency(provisioned=0, maximum=100),
        ),
        (
            {"autoscaling_config": {"min_replicas": 0, "max_replicas": 20}},
            Concurrency(provisioned=0, maximum=20),
        ),
        (
            {"autoscaling_config": {"min_replicas": 2, "max_replicas": 20}},
            Concurrency(provisioned=2, maximum=20, scales=True),
        ),
        (
            {"autoscaling_config": {"min_replicas": 2, "max_replicas": 2}},
            Concurrency(provisioned=2, maximum=2),
        ),
        ({"autoscaling_config": {}}, Concurrency(provisioned=1, maximum=1)),
    ],
)
def test_replicas_become_concurrency(written: dict[str, Any], expected: Concurrency) -> None:
    assert capacity.concurrency(options(**written)) == expected


MANAGED = LambdaOptions(capacity_provider="models")


@pytest.mark.parametrize(
    ("written", "least", "most"),
    [
        ({}, 1, 1),
        ({"num_replicas": 3}, 3, 3),
        ({"num_replicas": "auto"}, 1, 100),
        ({"autoscaling_config": {"min_replicas": 0, "max_replicas": 4}}, 0, 4),
        ({"autoscaling_config": {"min_replicas": 2, "max_replicas": 4}}, 2, 4),
    ],
)
def test_replicas_become_environments_of_managed_instances(
    written: dict[str, Any],
    least: int,
    most: int,
) -> None:
    found = capacity.concurrency(options(**written, lambda_options=MANAGED))

    assert found == Concurrency(provisioned=least, maximum=most, managed=True)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"max_ongoing_requests": 20}, 1),
        ({"lambda_options": MANAGED}, 5),
        ({"lambda_options": MANAGED, "max_ongoing_requests": 20}, 20),
        ({"lambda_options": MANAGED, "max_ongoing_requests": 1600}, 1600),
    ],
)
def test_only_managed_instances_serve_several_requests_at_once(
    written: dict[str, Any],
    expected: int,
) -> None:
    assert capacity.max_concurrency("Model", options(**written)) == expected


def test_more_requests_than_managed_instances_take_are_refused() -> None:
    with pytest.raises(PlanError, match="Model: max_ongoing_requests=1601 is more than the 1600"):
        capacity.max_concurrency(
            "Model",
            options(max_ongoing_requests=1601, lambda_options=MANAGED),
        )


@pytest.mark.parametrize(
    ("resources", "memory_mb", "expected"),
    [
        ({}, None, 2048),
        ({}, 32_768, 32_768),
        ({"num_cpus": 2}, None, 4096),
        ({"memory": 2**34}, 4096, 16_384),
    ],
)
def test_memory_on_managed_instances(
    resources: dict[str, Any],
    memory_mb: int | None,
    expected: int,
) -> None:
    on_lambda = LambdaOptions(capacity_provider="models", memory_mb=memory_mb)
    found = options(ray_actor_options=resources, lambda_options=on_lambda)

    assert capacity.memory_mb("Model", found) == expected


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"num_cpus": 17}, "a Lambda function has at most 32768 MB on Managed Instances"),
        ({"num_gpus": 1}, "SAM does not know the property that asks for one"),
    ],
)
def test_what_managed_instances_cannot_give_is_refused(
    resources: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(PlanError, match=message):
        capacity.memory_mb("Model", options(ray_actor_options=resources, lambda_options=MANAGED))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"num_replicas": 2, "max_ongoing_requests": 20}, ""),
        ({}, "Model: 1 environment on Managed Instances, as in Ray Serve; give num_replicas or "),
        (
            {"autoscaling_config": {"min_replicas": 0, "max_replicas": 2}},
            "Model: min_replicas=0 lets Managed Instances stop every environment; they scale ",
        ),
    ],
)
def test_notes_on_managed_instances(written: dict[str, Any], expected: str) -> None:
    notes = capacity.notes("Model", options(**written, lambda_options=MANAGED))

    assert [note.startswith(expected) for note in notes] == [True] * bool(expected)


@pytest.mark.parametrize(
    ("resources", "memory_mb", "expected"),
    [
        ({}, None, 512),
        ({}, 128, 128),
        ({}, 2048, 2048),
        ({"num_cpus": 1}, None, 1769),
        ({"num_cpus": 2}, None, 3538),
        ({"num_cpus": 0.1}, None, 512),
        ({"num_cpus": 0.5}, None, 885),
        ({"num_cpus": 0}, None, 512),
        ({"memory": 1024 * 2**20}, None, 1024),
        ({"memory": 1024 * 2**20 + 1}, None, 1025),
        ({"memory": 1024 * 2**20, "num_cpus": 1}, None, 1769),
        ({"num_cpus": 1}, 4096, 4096),
        ({"num_cpus": 1}, 1024, 1769),
        ({"memory": 10_240 * 2**20}, None, 10_240),
        ({"num_gpus": 0}, None, 512),
        ({"num_cpus": None, "memory": None}, None, 512),
    ],
)
def test_memory_is_the_larger_of_what_was_asked_for(
    resources: dict[str, Any],
    memory_mb: int | None,
    expected: int,
) -> None:
    written = options(
        ray_actor_options=resources,
        lambda_options=LambdaOptions(memory_mb=memory_mb),
    )

    assert capacity.memory_mb("Model", written) == expected


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"num_gpus": 1}, "Model: ray_actor_options num_gpus=1: Lambda functions have no GPU;"),
        ({"num_gpus": 0.5}, "Model: ray_actor_options num_gpus=0.5: Lambda functions have no GPU;"),
        (
            {"num_cpus": 6},
            "Model: ray_actor_options ask for 10614 MB (one CPU is 1769 MB); a Lambda",
        ),
        ({"memory": 2**40}, "Model: ray_actor_options ask for 1048576 MB"),
        (
            {"num_cpus": "two"},
            "Model: ray_actor_options num_cpus='two' must be a number, at least 0.",
        ),
        ({"memory": -1}, "Model: ray_actor_options memory=-1 must be a number, at least 0."),
        ({"num_cpus": float("inf")}, "Model: ray_actor_options num_cpus=inf must be a number, at"),
        ({"num_cpus": float("nan")}, "Model: ray_actor_options num_cpus=nan must be a number, at"),
    ],
)
def test_resources_that_lambda_does_not_have_are_refused(
    resources: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(PlanError) as caught:
        capacity.memory_mb("Model", options(ray_actor_options=resources))

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({}, []),
        ({"max_ongoing_requests": 1}, []),
        ({"num_replicas": 2, "user_config": {}}, []),
        ({"max_queued_requests": 3, "backpressure_config": {"status_code": 429}}, []),
        (
            {"max_ongoing_requests": 10},
            ["Model: max_ongoing_requests=10 needs Managed Instances; default compute runs"],
        ),
        (
            {"graceful_shutdown_timeout_s": 5},
            ["Model: graceful_shutdown_timeout_s has no meaning on Lambda."],
        ),
        (
            {
                "max_surge_percent": 5,
                "max_constructor_retry_count": 3,
                "ray_actor_options": {
                    "resources": {"a": 1},
                    "num_cpus": 1,
                    "runtime_env": {"pip": ["a"], "working_dir": "."},
                },
            },
            ["Model: max_constructor_retry_count, max_surge_percent, ray_actor_options['resou"],
        ),
    ],
)
def test_options_without_a_meaning_are_said_in_one_line(
    written: dict[str, Any],
    expected: list[str],
) -> None:
    found = capacity.notes("Model", options(**written))

    assert len(found) == len(expected)
    assert [note[: len(start)] for note, start in zip(found, expected, strict=True)] == expected

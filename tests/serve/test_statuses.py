"""The words of `serve.status()`, which programs compare with."""

import pytest

from adapter.serve import schema, start_options, statuses


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "ApplicationStatus",
            "NOT_STARTED DEPLOYING DEPLOY_FAILED RUNNING UNHEALTHY DELETING",
        ),
        (
            "DeploymentStatus",
            "UPDATING HEALTHY UNHEALTHY DEPLOY_FAILED UPSCALING DOWNSCALING",
        ),
        (
            "ReplicaState",
            "STARTING UPDATING RECOVERING RUNNING STOPPING STOPPED PENDING_MIGRATION",
        ),
        ("ProxyStatus", "STARTING HEALTHY UNHEALTHY DRAINING DRAINED"),
    ],
)
def test_words_are_ray_serves(name: str, words: str) -> None:
    enum = getattr(statuses, name)

    assert [member.name for member in enum] == words.split()
    assert list(enum) == words.split()


def test_they_are_found_where_ray_serve_has_them() -> None:
    assert schema.ApplicationStatus is statuses.ApplicationStatus
    assert schema.TracingConfig is start_options.TracingConfig
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = schema.Nothing


def test_nothing_is_served_at_first() -> None:
    nothing = statuses.ServeStatus()

    assert (nothing.proxies, nothing.applications, nothing.target_capacity) == ({}, {}, None)

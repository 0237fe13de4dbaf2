from typing import Any

import pytest

from adapter import serve
from adapter.errors import InvalidOption, LocalError


def model() -> str:
    return "model"


app = serve.deployment(model).bind()


@pytest.mark.parametrize("target", [None, model, serve.deployment(model)])
def test_only_a_bound_deployment_runs(target: Any) -> None:
    with pytest.raises(TypeError, match=r"`serve\.run` expects an `Application`") as caught:
        serve.run(target)

    assert repr(target) in str(caught.value)


def test_application_needs_a_name() -> None:
    with pytest.raises(LocalError, match="name='' must be a non-empty string"):
        serve.run(app, name="")


@pytest.mark.parametrize(
    ("prefix", "reason"),
    [
        ("api", "must start with '/', like '/api'"),
        ("", "must start with '/'"),
        (3, "must start with '/'"),
        ("/api/", "must not end with '/'"),
        ("/{item}", "must not contain wildcards"),
    ],
)
def test_malformed_prefix_is_refused(prefix: Any, reason: str) -> None:
    with pytest.raises(InvalidOption, match=reason) as caught:
        serve.run(app, route_prefix=prefix)

    assert f"route_prefix={prefix!r}" in str(caught.value)

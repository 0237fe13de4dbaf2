"""Secrets under `serve.run`: from the shell, or with the developer's credentials."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from adapter import serve
from adapter.errors import LocalError, SecretsNotRead
from tests.aws import REGION, Aws, region

__all__ = ["region"]


@pytest.fixture(scope="module")
def account(region: Aws) -> Aws:
    region.client("ssm").put_parameter(Name="/key", Value="stored", Type="SecureString")
    return region


@pytest.fixture(autouse=True)
def environment(account: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.url)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("LOCAL_KEY", "")  # so that what serve.run sets is undone
    monkeypatch.delenv("LOCAL_KEY")
    yield
    serve.shutdown()


def deployment(reference: str = "ssm:/key", name: str = "Model") -> "serve.Deployment[Any]":
    class Model:
        def __init__(self, *_others: object) -> None:
            self.key = os.environ["LOCAL_KEY"]

        def __call__(self) -> str:
            return self.key

    options = serve.LambdaOptions(secrets={"LOCAL_KEY": reference})
    return serve.deployment(name=name, lambda_options=options)(Model)


def answer(application: "serve.Application[Any]") -> object:
    handle = serve.run(application, _local_testing_mode=True)
    return handle.remote().result()


def test_constructor_finds_the_value() -> None:
    assert answer(deployment().bind()) == "stored"


def test_variable_of_the_shell_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_KEY", "mine")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    assert answer(deployment().bind()) == "mine"


def test_what_cannot_be_read_is_one_error_that_says_both_ways() -> None:
    with pytest.raises(SecretsNotRead) as caught:
        serve.run(deployment("ssm:/none").bind(), _local_testing_mode=True)

    told = str(caught.value)
    assert told.startswith("cannot read LOCAL_KEY (ssm:/none): ParameterNotFound: ")
    assert "either set the variables in your shell" in told


def test_two_meanings_of_one_name_are_refused() -> None:
    other = deployment("ssm:/other", name="Other")

    with pytest.raises(LocalError, match="has one process for both"):
        serve.run(deployment().bind(other.bind()), _local_testing_mode=True)

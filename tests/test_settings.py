"""Variables that nothing reads are told, so that a misspelled one is noticed."""

import re
from pathlib import Path

import pytest

import adapter
from adapter import serve, settings
from adapter.settings import VARIABLES, Settings
from adapter.template.settings import _NAMES

PACKAGE = Path(adapter.__file__).parent


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_said", set())


def test_a_misspelled_variable_is_one_line_with_a_suggestion(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(2):
        Settings.from_environment({"ADAPTER_TRUSTED_HOP": "1", "ADAPTER_TRUSTED_HOPS": "1"})

    (record,) = caplog.records
    assert record.getMessage() == (
        "the environment variable ADAPTER_TRUSTED_HOP is not read by anything. "
        "Did you mean ADAPTER_TRUSTED_HOPS?"
    )


def test_a_variable_that_resembles_none_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    Settings.from_environment({"ADAPTER_X": "1", "PATH": "/bin", "MY_ADAPTER_Y": "1"})

    assert [record.getMessage() for record in caplog.records] == [
        "the environment variable ADAPTER_X is not read by anything.",
    ]


def test_variables_of_ours_are_nothing_to_say(caplog: pytest.LogCaptureFixture) -> None:
    Settings.from_environment(
        {
            **dict.fromkeys(VARIABLES - {"ADAPTER_MIDDLEWARES"}, ""),
            "ADAPTER_ROUTE_PREFIX": "/",
        },
    )

    assert not caplog.records


def test_a_test_that_serves_locally_is_told_too(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("ADAPTER_LOCAL_TESTING", "1")

    @serve.deployment
    def model() -> str:
        return "here"

    serve.run(model.bind(), _local_testing_mode=True)
    serve.shutdown()

    assert "Did you mean ADAPTER_LOCAL_TESTING_MODE?" in caplog.text


def test_every_variable_that_the_package_names_is_known() -> None:
    named = {
        name
        for path in sorted(PACKAGE.rglob("*.py"))
        for name in re.findall(r"\bADAPTER_[A-Z_]*[A-Z]\b", path.read_text())
    }
    built = {f"ADAPTER_{name.upper()}" for name in _NAMES}

    assert named | built == VARIABLES

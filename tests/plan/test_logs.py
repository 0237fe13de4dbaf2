import logging
from typing import Any

import pytest

from adapter.plan import logs
from adapter.serve.lambda_options import LambdaOptions
from adapter.serve.options import DeploymentOptions

MANAGED = LambdaOptions(capacity_provider="models")


def options(config: Any, **more: Any) -> DeploymentOptions:
    return DeploymentOptions(name="Model").changed(logging_config=config, **more)


@pytest.mark.parametrize(
    ("config", "log_format", "level", "variables"),
    [
        (None, "Text", None, {}),
        ({}, "Text", "INFO", {"ADAPTER_LOG_LEVEL": "INFO"}),
        ({"log_level": "DEBUG"}, "Text", "DEBUG", {"ADAPTER_LOG_LEVEL": "DEBUG"}),
        ({"encoding": "JSON", "log_level": "WARNING"}, "JSON", "WARN", {}),
        ({"encoding": "JSON", "log_level": "CRITICAL"}, "JSON", "FATAL", {}),
        ({"encoding": "JSON", "log_level": "NOTSET"}, "JSON", "TRACE", {}),
        (
            {"encoding": "JSON", "additional_log_standard_attrs": ["name", "lineno"]},
            "JSON",
            "INFO",
            {"ADAPTER_LOG_ATTRIBUTES": "name,lineno"},
        ),
    ],
)
def test_a_logging_config_in_lambdas_words(
    config: Any, log_format: str, level: str | None, variables: dict[str, str]
) -> None:
    found = options(config)

    assert logs.log_format(found) == log_format
    assert logs.log_level(found) == level
    assert logs.log_variables(found) == variables
    assert logs.log_notes("Model", found) == []


def test_a_level_of_somebody_elses_is_the_next_that_shows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(logging._nameToLevel, "NOTICE", 25)
    monkeypatch.setitem(logging._levelToName, 25, "NOTICE")

    assert logs.log_level(options({"log_level": "NOTICE"})) == "INFO"


def test_a_folder_for_logs_is_said_to_mean_nothing() -> None:
    assert logs.log_notes("Model", options({"logs_dir": "/tmp/logs"})) == [
        "Model: logging_config['logs_dir'] has no meaning on Lambda.",
    ]


def test_managed_instances_log_in_json_and_it_is_said() -> None:
    found = options({"log_level": "DEBUG"}, lambda_options=MANAGED)

    assert (logs.log_format(found), logs.log_level(found)) == ("JSON", "DEBUG")
    assert logs.log_variables(found) == {}
    assert logs.log_notes("Model", found) == [
        "Model: Managed Instances log in JSON, whatever logging_config says.",
    ]


def test_managed_instances_without_a_config_are_nobodys_surprise() -> None:
    found = options(None, lambda_options=MANAGED)

    assert logs.log_notes("Model", found) == []


def test_what_awss_own_client_does_not_read_is_said() -> None:
    bare = LambdaOptions(exec_wrapper=False)
    config = {"additional_log_standard_attrs": ["name"]}
    [note] = logs.log_notes("Model", options(config, lambda_options=bare))

    assert "the attributes and level of text logs of logging_config have no effect" in note
    assert logs.log_notes("Model", options({"encoding": "JSON"}, lambda_options=bare)) == []

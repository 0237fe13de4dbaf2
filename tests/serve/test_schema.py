import logging
from typing import Any

import pytest

from adapter import serve
from adapter.errors import InvalidOption
from adapter.serve.schema import EncodingType, LoggingConfig


def test_nothing_said_is_ray_serves_defaults() -> None:
    config = LoggingConfig()

    assert (config.encoding, config.log_level, config.level) == ("TEXT", "INFO", logging.INFO)
    assert (config.logs_dir, config.enable_access_log) == (None, True)
    assert list(config.additional_log_standard_attrs) == []


@pytest.mark.parametrize(
    ("written", "name"),
    [(logging.DEBUG, "DEBUG"), ("DEBUG", "DEBUG"), ("FATAL", "FATAL"), (0, "NOTSET")],
)
def test_a_level_is_a_name_or_a_number(written: Any, name: str) -> None:
    config = LoggingConfig(log_level=written)

    assert config.log_level == name
    assert config.level == logging.getLevelNamesMapping()[name]


@pytest.mark.parametrize("encoding", ["JSON", EncodingType.JSON])
def test_an_encoding_is_a_name_or_a_member(encoding: Any) -> None:
    assert LoggingConfig(encoding=encoding) == LoggingConfig(encoding="JSON")


def test_attributes_are_named_once() -> None:
    config = LoggingConfig(additional_log_standard_attrs=["name", "lineno", "name"])

    assert config.additional_log_standard_attrs == ("name", "lineno")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ({"encoding": "XML"}, r"Got 'XML' for encoding\. Encoding must be one of"),
        ({"encoding": "json"}, "Got 'json' for encoding"),
        ({"log_level": "loud"}, 'Got "loud" for log_level. log_level must be one of'),
        ({"log_level": 7}, r'Got "7" for log_level\. log_level must be one of \[0, '),
        ({"log_level": None}, 'Got "None" for log_level'),
        ({"logs_dir": 3}, "logging_config.logs_dir=3 must be a string"),
        ({"enable_access_log": "yes"}, "enable_access_log='yes' must be True or False"),
        ({"additional_log_standard_attrs": "name"}, "'name' must be a list of names"),
        ({"additional_log_standard_attrs": ["nope"]}, r"Unknown attribute 'nope'\. Additional log"),
        ({"level": "INFO"}, "LoggingConfig has no option 'level'"),
    ],
)
def test_a_wrong_value_is_named(written: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidOption, match=text):
        LoggingConfig(**written)


def test_a_deployment_takes_it_as_a_value_or_as_a_dict() -> None:
    config = LoggingConfig(encoding="JSON")

    @serve.deployment(logging_config=config)
    class Model: ...

    assert Model.logging_config == config
    assert Model.options(logging_config={"encoding": "JSON"}).logging_config == config
    assert Model.options(logging_config=None).logging_config is None
    with pytest.raises(ValueError, match="Got 'XML' for encoding"):
        Model.options(logging_config={"encoding": "XML"})


def test_it_is_reached_as_in_ray_serve() -> None:
    assert serve.schema.LoggingConfig is LoggingConfig

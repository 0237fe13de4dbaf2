"""What a deployment's `logging_config` becomes on Lambda.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

import logging
from typing import Literal

from adapter.serve.options import DeploymentOptions

# From the most that Lambda lets through to the least.
_LEVELS = {
    logging.NOTSET: "TRACE",
    logging.DEBUG: "DEBUG",
    logging.INFO: "INFO",
    logging.WARNING: "WARN",
    logging.ERROR: "ERROR",
    logging.CRITICAL: "FATAL",
}


def log_format(options: DeploymentOptions) -> Literal["Text", "JSON"]:
    """Return how log records are written, in Lambda's words."""
    config = options.logging_config
    if config is None:
        return "Text"
    managed = options.lambda_options.capacity_provider is not None
    return "JSON" if managed or config.encoding == "JSON" else "Text"


def log_level(options: DeploymentOptions) -> str | None:
    """Return from which level on records are written, in Lambda's words; None where not said."""
    config = options.logging_config
    if config is None:
        return None
    return _LEVELS[
        max(level for level in _LEVELS if level <= config.level)
    ]  # others have names too


def log_variables(options: DeploymentOptions) -> dict[str, str]:
    """Return the variables of what Lambda has no setting for: a level of text, attributes."""
    config, level = options.logging_config, log_level(options)
    if config is None or level is None:
        return {}
    variables = {}
    if log_format(options) == "Text":
        variables["ADAPTER_LOG_LEVEL"] = level
    if config.additional_log_standard_attrs:
        variables["ADAPTER_LOG_ATTRIBUTES"] = ",".join(config.additional_log_standard_attrs)
    return variables


def log_notes(name: str, options: DeploymentOptions) -> list[str]:
    """Say, a sentence each, what of it does not come out as written."""
    config = options.logging_config
    if config is None:
        return []
    on_lambda, said = options.lambda_options, []
    if config.logs_dir is not None:
        said.append(f"{name}: logging_config['logs_dir'] has no meaning on Lambda.")
    if log_format(options) != "Text" and config.encoding == "TEXT":
        said.append(f"{name}: Managed Instances log in JSON, whatever logging_config says.")
    if not on_lambda.exec_wrapper and (unread := sorted(log_variables(options))):
        what = {"ADAPTER_LOG_ATTRIBUTES": "attributes", "ADAPTER_LOG_LEVEL": "level of text logs"}
        said.append(
            f"{name}: with exec_wrapper=False AWS's runtime client writes the log, and the "
            f"{' and '.join(what[variable] for variable in unread)} of logging_config have no "
            "effect.",
        )
    return said

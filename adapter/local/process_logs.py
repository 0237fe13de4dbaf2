"""What a `logging_config` changes under `serve.run`: how "ray.serve" logs in this process.

Only that logger, because the process is the user's; in a Lambda function it is all of them. All
deployments share it, so the ingress's configuration, or the application's, is the one that counts.
"""

import logging
import sys

from adapter.runtime.logs import JsonFormatter, TextFormatter
from adapter.serve.schema import LoggingConfig

_handler: logging.Handler | None = None


def configure(config: LoggingConfig) -> None:
    """Set the level, and write to standard error where the process has set up no logging."""
    global _handler  # noqa: PLW0603 - loggers belong to the process, too
    logger = logging.getLogger("ray.serve")
    logger.setLevel(config.level)
    if _handler is not None:
        logger.removeHandler(_handler)
        _handler = None
    if logger.hasHandlers():
        return
    formatter = JsonFormatter if config.encoding == "JSON" else TextFormatter
    _handler = logging.StreamHandler(sys.stderr)
    _handler.setFormatter(formatter(config.additional_log_standard_attrs))
    logger.addHandler(_handler)

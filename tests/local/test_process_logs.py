import json
import logging
from collections.abc import Iterator

import pytest

from adapter import serve
from adapter.errors import InvalidOption
from adapter.local import process_logs
from adapter.serve.schema import LoggingConfig

logger = logging.getLogger("ray.serve")


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    level, handlers = logger.level, list(logger.handlers)
    monkeypatch.setattr(process_logs, "_handler", None)
    yield
    logger.setLevel(level)
    logger.handlers[:] = handlers


def forget_pytests_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in a process that has set up no logging. Pytest does, after the fixtures."""
    monkeypatch.setattr(logger, "propagate", False)


def test_a_process_without_logging_gets_lines_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forget_pytests_logging(monkeypatch)
    process_logs.configure(LoggingConfig(encoding="JSON", log_level="DEBUG"))
    logger.debug("seen")

    assert json.loads(capsys.readouterr().err)["message"] == "seen"


def test_another_config_replaces_the_one_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forget_pytests_logging(monkeypatch)
    process_logs.configure(LoggingConfig(encoding="JSON"))
    process_logs.configure(LoggingConfig(additional_log_standard_attrs=["name"]))
    logger.info("seen")
    logger.debug("unseen")

    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("[INFO]\t")
    assert line.endswith("\tray.serve\tseen")


def test_a_process_with_logging_of_its_own_keeps_it() -> None:
    process_logs.configure(LoggingConfig(log_level="DEBUG"))

    assert logger.handlers == []
    assert logger.level == logging.DEBUG


@serve.deployment
class Model:
    def __call__(self) -> int:
        return logger.getEffectiveLevel()


@pytest.fixture
def _server() -> Iterator[None]:
    serve.start(http_options={"port": 0})
    yield
    serve.shutdown()


@pytest.mark.usefixtures("_server")
def test_serve_run_takes_a_config_for_the_application() -> None:
    handle = serve.run(Model.bind(), logging_config={"log_level": "ERROR"})

    assert handle.remote().result(timeout_s=10) == logging.ERROR


@pytest.mark.usefixtures("_server")
def test_the_ingresss_own_config_comes_first() -> None:
    chatty = Model.options(logging_config=LoggingConfig(log_level="DEBUG"))
    handle = serve.run(chatty.bind(), logging_config={"log_level": "ERROR"})

    assert handle.remote().result(timeout_s=10) == logging.DEBUG


@pytest.mark.usefixtures("_server")
def test_a_wrong_config_is_refused() -> None:
    with pytest.raises(InvalidOption, match="Got 'XML' for encoding"):
        serve.run(Model.bind(), logging_config={"encoding": "XML"})

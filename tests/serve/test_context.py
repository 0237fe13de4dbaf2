import threading
from collections.abc import Iterator

import pytest

from adapter.serve import context
from adapter.serve.context import DeploymentContext

GATEWAY = DeploymentContext(deployment="Gateway", application="default")


@pytest.fixture(autouse=True)
def _outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(context, "_process_deployment", None)
    token = context._deployment.set(None)
    yield
    context._deployment.reset(token)


def in_a_thread() -> DeploymentContext | None:
    found: list[DeploymentContext | None] = []
    thread = threading.Thread(target=lambda: found.append(context.current()))
    thread.start()
    thread.join()
    return found[0]


def test_there_is_none_outside() -> None:
    assert context.current() is None


def test_whole_process_reaches_threads_of_the_user() -> None:
    context.enter(GATEWAY, whole_process=True)

    assert context.current() == GATEWAY
    assert in_a_thread() == GATEWAY


def test_one_of_several_in_a_process_does_not_leave_its_own_code() -> None:
    context.enter(GATEWAY, whole_process=False)

    assert context.current() == GATEWAY
    assert in_a_thread() is None

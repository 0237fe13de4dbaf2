"""Any application: a valid answer, the application's own where it has completed one, or a 500."""

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import corpus, functions, scripts
from tests.fuzz.outcomes import Received, streamed_answer, whole_answer
from tests.fuzz.scripts import Application, Script
from tests.fuzz.watch import LONG_EXAMPLES, watched

pytestmark = pytest.mark.filterwarnings(LONG_EXAMPLES)

HEAD = "function-url"  # the event of a HEAD request


@given(
    script=scripts.scripts(),
    name=st.sampled_from(corpus.HTTP),
    settings=functions.settings(),
)
def test_response_that_is_whole(script: Script, name: str, settings: dict[str, Any]) -> None:
    settings.pop("max_body_bytes", None)
    shape = corpus.shape_of(name)
    assert shape is not None
    application, received = Application(script, bodiless=name == HEAD), Received(streams=False)
    with functions.bare(application, **settings) as function, watched():
        try:
            function.complete(function.serve(corpus.EVENTS[name], None, received))
        except Exception as error:  # noqa: BLE001 - its own, or what it was told of its messages
            assert settings.get("raise_errors"), f"{error!r} left the handler"  # noqa: PT017
            assert not received.answered
            assert application.failed or application.status == 500
            return
        answer = whole_answer(received.result, {shape})
    assert_is_the_applications(application, answer, settings.get("exclude_headers", []))


@given(script=scripts.scripts(), name=st.sampled_from(corpus.HTTP))
def test_response_that_is_streamed(script: Script, name: str) -> None:
    shape = corpus.shape_of(name)
    assert shape is not None
    application, received = Application(script, bodiless=name == HEAD), Received(streams=True)
    with _streaming(), functions.bare(application) as function, watched():
        function.complete(function.serve(corpus.EVENTS[name], None, received))
        assert received.answered
        if received.ended == "fail":
            assert application.status == 500 or application.failed
            return
        assert received.pieces is None or received.ended == "end"
        answer = streamed_answer(received) or whole_answer(received.result, {shape})
    assert_is_the_applications(application, answer, [])


def assert_is_the_applications(
    application: Application,
    answer: Any,
    excluded: list[str],
) -> None:
    """Assert that an answer is the one that the application has completed, or a 500."""
    assert 200 <= answer.status <= 599
    assert not {header.lower() for header in excluded} & {name for name, _ in answer.headers}
    if answer.status != application.status:
        # Too large for its sender, or for a prelude.
        large = len(application.body) > 5_000 or len(str(application.accepted)) > 10_000
        assert answer.status == 500, f"{answer.status}, not {application.status}"
        assert large, f"500, not {application.status}"
        return
    if application.status == 500 and answer.body == b"Internal Server Error":
        return
    assert answer.body == application.body or len(application.body) > 5_000
    if application.announced is not None:
        assert application.announced == len(application.body)


class _streaming:  # noqa: N801 - used as a statement
    """Let function URLs and REST APIs stream."""

    def __enter__(self) -> None:
        os.environ["ADAPTER_STREAMS"] = "url,rest"

    def __exit__(self, *_: object) -> None:
        del os.environ["ADAPTER_STREAMS"]

"""The example as a user meets it: real sentences through `serve.run` and HTTP."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from adapter import serve
from adapter.local import in_process
from tests.examples.sentences import SENTENCES


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    from text_service import app

    serve.start(http_options={"port": 0})
    serve.run(app)
    yield in_process.url()
    serve.shutdown()


def post(url: str, body: Any) -> tuple[int, Any]:
    request = urllib.request.Request(
        url,
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_is_analyzed(url: str, sentence: str) -> None:
    assert post(f"{url}/analyze", {"text": sentence}) == (200, SENTENCES[sentence])


def test_the_keywords_are_the_most_frequent_words(url: str) -> None:
    text = (
        "Ships sail. The harbour has ships, many ships, and a harbour master; gulls follow ships."
    )

    _, analysis = post(f"{url}/analyze", {"text": text})

    assert analysis["keywords"][:2] == ["ships", "harbour"]
    assert len(analysis["keywords"]) == 5


def test_a_summary_is_the_sentences_with_the_first_keywords(url: str) -> None:
    text = (
        "Ships sail. The harbour has ships, many ships. Rain falls on the town. "
        "A harbour master watches."
    )
    request = urllib.request.Request(
        f"{url}/summarize",
        data=json.dumps({"text": text}).encode(),
        headers={"content-type": "application/json"},
    )

    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.read().decode().splitlines() == [
            "Ships sail.",
            "The harbour has ships, many ships.",
            "A harbour master watches.",
        ]


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": 7}, {"text": "x" * 20_001}])
def test_a_body_that_is_no_text_is_refused(url: str, body: Any) -> None:
    assert post(f"{url}/analyze", body)[0] == 422

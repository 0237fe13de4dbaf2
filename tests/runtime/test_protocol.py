import base64
import json

import pytest

from adapter.runtime.protocol import ERROR_BODY, Failure

GO_READS = 4096  # bytes of trailers that Go's HTTP server takes, and AWS's emulator with it


@pytest.mark.parametrize("character", ["a", "é", "\u4e00", "\U0001f600", '"'])
def test_trailers_fit_whatever_the_error_is(character: str) -> None:
    failure = Failure(
        error_type=character * 5_000,
        message=character * 50_000,
        stack_trace=tuple(f"frame {number} {character * 500}" for number in range(50)),
    )

    trailers = failure.trailers()

    assert sum(len(name) + len(value) + 4 for name, value in trailers.items()) + 2 < GO_READS
    assert json.loads(base64.b64decode(trailers[ERROR_BODY]))["errorMessage"].startswith(character)


def test_trailers_keep_the_frames_next_to_the_error() -> None:
    frames = tuple(f"frame {number}" + "." * 100 for number in range(50))

    body = Failure(error_type="E", message="short", stack_trace=frames).trailers()[ERROR_BODY]

    kept = json.loads(base64.b64decode(body))["stackTrace"]
    assert kept == list(frames[-len(kept) :])
    assert 5 < len(kept) < 50

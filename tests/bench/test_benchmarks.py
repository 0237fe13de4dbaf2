"""Each benchmark runs, with counts too small for any figure to mean something."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RIVAL = "awslambdaric + Mangum"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux",
    reason="the benchmarks read /proc, and awslambdaric is built for Linux",
)


def bench(name: str, *options: str) -> str:
    """Run a benchmark as a reader of bench/README.md does."""
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def figures(name: str, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bench(name, *options, "--output", "json"))
    assert found["benchmark"] == name
    assert {"python", "awslambdaric", "mangum", "fastapi"} <= found["versions"].keys()
    assert {"cpu", "count"} <= found["machine"].keys()
    return found


def test_runtime_loop_compares_each_case_with_each_rival() -> None:
    found = figures("runtime_loop", "--turns", "2", "--batch", "3", "--warm-up", "1")

    assert found["ratios"].keys() == {"FastAPI", "raw ASGI", "plain handler"}
    assert found["ratios"]["FastAPI"][RIVAL]["cycle"].keys() == {"median", "min", "max"}
    assert all(
        figure["min"] <= figure["median"] <= figure["max"]
        for contenders in found["microseconds"].values()
        for measures in contenders.values()
        for figure in measures.values()
    )


def test_runtime_loop_measures_another_checkout_beside() -> None:
    options = ("--case", "plain handler", "--turns", "1", "--batch", "2", "--warm-up", "1")
    found = figures("runtime_loop", *options, "--against", str(ROOT))

    assert f"adapter at {ROOT}" in found["ratios"]["plain handler"]


def test_a_profile_names_the_parts_of_the_loop() -> None:
    text = bench(
        *("runtime_loop", "--profile", "--case", "FastAPI", "--turns", "1", "--batch", "20"),
    )

    assert "FastAPI: 20 invocations" in text
    assert "adapter/runtime" in text
    assert "Mangum" in text


def test_text_shows_ratios_before_values() -> None:
    text = bench(
        *("runtime_loop", "--case", "FastAPI", "--turns", "1", "--batch", "2", "--warm-up", "1"),
    )

    assert text.index(f"adapter / {RIVAL}") < text.index("cycle, us")
    assert "<= 0.45" in text


def test_import_share_lists_what_a_function_without_http_loads() -> None:
    found = figures("import_share", "--turns", "1")

    assert "adapter.function" in found["without_http"]
    assert not {"fastapi", "starlette", "mangum"} & set(found["without_http"])
    assert found["milliseconds"]["adapter beside fastapi"]["median"] > 0


def test_streaming_compares_delays_and_bulk() -> None:
    found = figures("streaming", "--turns", "1", "--mb", "1")

    assert found["values"].keys() == {"adapter", RIVAL}
    assert {"part 1, delay ms", "1 MB, MB/s", "1 MB, memory MB"} <= found["ratios"].keys()


def test_concurrency_compares_requests_memory_and_polls() -> None:
    found = figures(
        *("concurrency", "--turns", "1", "--rounds", "1", "--at-once", "2", "--model-mb", "1"),
    )

    measures = {"requests/s", "memory, MB", "first poll, s", "all polls, s"}
    assert found["ratios"]["2"].keys() == measures
    assert found["values"]["2"].keys() == {"adapter", RIVAL}


@pytest.mark.timeout(300)
def test_nothing_grows_in_ten_thousand_mixed_invocations() -> None:
    found = figures("endurance", "--python", sys.executable)

    assert found["wrong"] == 0
    assert found["answers"].keys() >= {"HTTP 200", "HTTP 500", "stream", "broken stream", "result"}

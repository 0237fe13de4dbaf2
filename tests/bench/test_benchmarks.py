"""Each benchmark runs, with turns too few for any figure to mean something."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import build_time, concurrency
from bench.support.result import Benchmark
from bench.support.settings import Settings

ROOT = Path(__file__).parents[2]
MANGUM = "awslambdaric + Mangum"

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


def measured(name: str, *options: str) -> dict[str, Any]:
    """What one turn gave."""
    found = json.loads(bench(name, "--quick", "--turns", "1", "--output", "json", *options))
    assert {"python", "awslambdaric", "mangum", "fastapi"} <= found["versions"].keys()
    assert {"cpu", "count"} <= found["machine"].keys()
    (one,) = found["benchmarks"]
    assert all(ratio["low"] <= ratio["median"] <= ratio["high"] for ratio in one["ratios"])
    assert all(figure["n"] == 1 for figure in one["figures"])
    result: dict[str, Any] = one
    return result


def names(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(ratio["name"], ratio["rival"]) for ratio in found["ratios"]}


def test_runtime_loop_compares_each_case_with_each_rival() -> None:
    found = measured("runtime_loop")

    assert {
        ("FastAPI: cycle", MANGUM),
        ("FastAPI: cycle", "the same, lifespan off"),
        ("raw ASGI: cpu", MANGUM),
        ("plain handler: cycle", "awslambdaric"),
        ("plain handler: cycle", "bare socket"),
    } <= names(found)
    assert [one["name"] for one in found["ratios"] if one["aim"]] == ["FastAPI: cycle"]


def test_runtime_loop_measures_another_checkout_beside() -> None:
    found = measured("runtime_loop", "--case", "plain handler", "--against", str(ROOT))

    assert ("plain handler: cycle", f"adapter at {ROOT}") in names(found)


def test_a_profile_names_the_parts_of_the_loop() -> None:
    text = bench("runtime_loop", "--profile", "--case", "FastAPI", "--turns", "1", "--quick")

    assert "FastAPI: 100 invocations" in text
    assert "adapter/runtime" in text
    assert "Starlette" in text


def test_text_shows_ratios_before_values() -> None:
    text = bench("runtime_loop", "--case", "FastAPI", "--turns", "1", "--quick")

    assert text.index(f"adapter / {MANGUM}") < text.index("cycle, us")
    assert "≤ 0.45" in text


def test_handler_compares_plain_calls_with_mangum_with_and_without_lifespan() -> None:
    found = measured("handler")

    cases = ("FastAPI, async route", "FastAPI, sync route", "raw ASGI")
    rivals = ("Mangum", "Mangum, lifespan off")
    assert {(case, rival) for case in cases for rival in rivals} <= names(found)


def test_cold_start_answers_the_first_event_of_each_kind_of_function() -> None:
    found = measured("cold_start")

    assert names(found) == {
        ("light app: first answer", MANGUM),
        ("raw ASGI: first answer", MANGUM),
        ("FastAPI app: first answer", MANGUM),
        ("without HTTP: first answer", "awslambdaric"),
        ("with a handle: first answer", f"{MANGUM} + boto3"),
    }


def test_streaming_compares_with_uvicorn_and_with_an_answer_at_the_end() -> None:
    found = measured("streaming")

    assert {
        ("first byte", "uvicorn"),
        ("first byte", MANGUM),
        ("20 MB, MB/s", "uvicorn"),
        ("20 MB, memory", "adapter, memory, before"),
    } <= names(found)


def test_size_counts_files_megabytes_and_modules() -> None:
    found = measured("size")

    assert names(found) == {(one, "Mangum, by hand") for one in ("files", "size", "modules")}


def test_import_share_compares_beside_fastapi_and_without_http() -> None:
    found = measured("import_share")

    assert ("import", "fastapi") in names(found)
    assert ("import", "awslambdaric without HTTP") in names(found)


def test_what_a_function_without_http_loads_has_no_framework_in_it() -> None:
    listed = bench("import_share", "--modules").split()

    assert "adapter.function" in listed
    assert not {"fastapi", "starlette", "mangum"} & set(listed)


def test_concurrency_compares_requests_memory_and_starts() -> None:
    case = concurrency.Case(at_once=2, model_mb=1)
    found = concurrency.run(Settings(quick=True, turns=1), (case,))

    assert [ratio.name for ratio in found.ratios] == [
        f"{case}: memory",
        f"{case}: requests/s",
        f"{case}: start",
    ]
    assert not found.missing


def test_what_the_machine_has_no_memory_for_is_named_and_not_measured() -> None:
    case = concurrency.Case(at_once=64, model_mb=1_000_000)
    found = concurrency.run(Settings(turns=1), (case,))

    assert not found.ratios
    assert not found.figures
    (missing,) = found.missing
    assert str(case) in missing
    assert "are free" in missing


def test_a_build_without_sam_cli_is_named_and_not_measured(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = build_time.run(Settings(python=str(tmp_path / "python")))

    assert isinstance(found, Benchmark)
    assert found.ratios == ()
    assert "make setup-sam" in found.missing[0]


@pytest.mark.timeout(300)
def test_nothing_grows_in_ten_thousand_mixed_invocations() -> None:
    found = json.loads(bench("endurance", "--python", sys.executable, "--output", "json"))

    assert found["wrong"] == 0
    assert found["answers"].keys() >= {"HTTP 200", "HTTP 500", "stream", "broken stream", "result"}

"""What a benchmark gives, and the table, the plots and the file that are made of it."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench.support import plots, report, results
from bench.support.result import Benchmark, Figure, Line, Ratio

VERSIONS = {"python": "3.13.0", "fastapi": "0.165.0"}


def benchmark(number: int = 1, *, aim: float = 0.5, limit: float = 2.0) -> Benchmark:
    ours, rival = ("adapter", [1.0, 2.0, 3.0]), ("rival <&>", [4.0, 4.0, 4.0])
    return Benchmark(
        id=f"B{number}",
        title="a call",
        aim="half of the time",
        limit=limit,
        ratios=(Ratio.of("calls", ours, rival, aim=aim), Ratio.of("memory", ours, rival)),
        figures=(
            Figure.of("adapter", "calls", "us", ours[1]),
            Figure.of("rival <&>", "calls", "us", rival[1]),
        ),
        notes=("A note.",),
        missing=("Ray Serve: `make setup-ray` installs it",),
        lines=(Line("growth", "count", "s", (("adapter", ((1.0, 2.0), (10.0, 3.0))),)),),
    )


def test_a_ratio_is_taken_turn_by_turn() -> None:
    ratio = Ratio.of("calls", ("adapter", [1.0, 6.0, 2.0]), ("rival", [2.0, 2.0, 2.0]))

    assert (ratio.median, ratio.low, ratio.high) == (1.0, 0.5, 3.0)


def test_a_ratio_of_different_numbers_of_turns_is_refused() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        Ratio.of("calls", ("adapter", [1.0]), ("rival", [1.0, 2.0]))


def test_less_is_met_where_lower_is_better_and_more_where_higher_is() -> None:
    half = ("adapter", [1.0]), ("rival", [2.0])

    assert Ratio.of("time", *half, aim=0.5).met
    assert Ratio.of("time", *half, aim=0.4).met is False
    assert Ratio.of("requests", *half, aim=0.5, better="higher").met
    assert Ratio.of("requests", *half, aim=0.6, better="higher").met is False
    assert Ratio.of("time", *half).met is None


@pytest.mark.parametrize(
    ("aim", "limit", "regressed"),
    [(0.5, 2.0, False), (0.3, 2.0, False), (0.2, 2.0, True), (0.3, 1.5, True)],
)
def test_a_gross_regression_is_an_aim_missed_by_more_than_the_limit(
    aim: float,
    limit: float,
    *,
    regressed: bool,
) -> None:
    assert bool(benchmark(aim=aim, limit=limit).regressions) is regressed


def test_a_few_requests_are_a_gross_regression_too() -> None:
    ratio = Ratio.of("requests", ("adapter", [1.0]), ("rival", [4.0]), aim=1.0, better="higher")

    assert ratio.is_grossly_worse(3.0)
    assert not ratio.is_grossly_worse(4.0)


def test_results_have_ratios_first_with_aim_and_limit(tmp_path: Path) -> None:
    results.write([benchmark()], VERSIONS, tmp_path)

    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    row = "| B1 | calls | adapter / rival <&> | 0.500 [0.250-0.750] | ≤ 0.5: met | > 1 |"
    assert row in text
    assert text.index(row) < text.index("Python" if "Python" in text else "python 3.13.0")
    assert text.index(row) < text.index("## B1: a call")
    assert "| calls, us | 2.00 [1.00-3.00] | 4.00 |" in text
    assert "Aim: half of the time" in text


def test_a_rival_that_is_not_here_is_named_in_the_table(tmp_path: Path) -> None:
    results.write([benchmark()], VERSIONS, tmp_path)

    for text in (
        (tmp_path / "RESULTS.md").read_text(encoding="utf-8"),
        report.as_text([benchmark()]),
    ):
        assert "not measured: Ray Serve: `make setup-ray` installs it" in text


def test_a_run_of_some_benchmarks_keeps_the_results_of_the_others(tmp_path: Path) -> None:
    results.write([benchmark(1), benchmark(10), benchmark(2)], VERSIONS, tmp_path)
    results.write([benchmark(2, aim=0.1)], {"python": "3.14.0"}, tmp_path)

    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (B\d+)", text, re.MULTILINE) == ["B1", "B2", "B10"]
    assert text.count("MISSED") == 1
    assert "| B1, B10 | " in text  # what ran on something else has a row of its own
    assert "| B2 | " in text


def test_every_plot_in_the_results_is_there_and_is_xml(tmp_path: Path) -> None:
    results.write([benchmark()], VERSIONS, tmp_path)

    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    names = re.findall(r"\]\((plots/[^)]+)\)", text)
    assert names == ["plots/ratios.svg", "plots/B1.svg", "plots/B1-1.svg"]
    for name in names:
        root = ET.fromstring((tmp_path / name).read_text(encoding="utf-8"))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_a_bar_is_as_long_as_its_share_of_the_longest() -> None:
    root = ET.fromstring(plots.bars(benchmark()))

    bars = [one.attrib for one in root.iter() if one.attrib.get("height") == "12"]
    mine, theirs = (float(bar["width"]) for bar in bars)
    assert mine == pytest.approx(theirs / 2)

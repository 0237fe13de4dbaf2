"""What a million requests cost: `adapter cost`, divided."""

import pytest

from bench import cost_model
from bench.support.settings import Settings


def test_a_million_small_requests_cost_what_adapter_cost_says() -> None:
    found = cost_model.run(Settings())

    # By hand: three functions, a million invocations of 40 ms with half a GB each.
    by_hand = 3 * (0.20 + 1e6 * 0.040 * 0.5 * 0.0000166667)
    figures = {(one.measure.partition(":")[0], one.contender): one.median for one in found.figures}
    assert figures["1 million small requests", "on demand"] == pytest.approx(by_hand, abs=0.01)
    assert figures["1 million small requests", cost_model.FRONT] == pytest.approx(1.0)


def test_steady_load_is_cheaper_on_managed_instances() -> None:
    figures = {
        (one.measure, one.contender): one.median for one in cost_model.run(Settings()).figures
    }
    steady = next(measure for measure, _ in figures if "100 million" in measure)
    assert figures[steady, "Managed Instances"] < figures[steady, "on demand"]

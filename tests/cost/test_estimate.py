"""Examples reckoned by hand, from the figures of AWS's pages; each sum is written out."""

from dataclasses import replace

import pytest

from adapter.cost.estimate import Estimate, FunctionCost, estimate
from adapter.cost.load import ByName, Load
from adapter.cost.prices import bundled_prices
from adapter.plan.values import ApiPlan, Concurrency, FunctionUrl, StackPlan
from tests.template.plans import application, function, gateway

MANAGED = {"capacity_provider": "models", "memory_mb": 2048}


def bill(
    plan: StackPlan,
    requests: float = 1e6,
    duration_ms: float = 100,
    architecture: str = "x86_64",
    **load: object,
) -> Estimate:
    reckoned = Load(requests=requests, duration_ms=ByName(everywhere=duration_ms), **load)  # type: ignore[arg-type]
    return estimate(plan, reckoned, bundled_prices(), architecture)


def lone(**options: object) -> StackPlan:
    return application(gateway(**options))


def only(plan: StackPlan, **load: object) -> FunctionCost:
    [one] = bill(plan, **load).functions  # type: ignore[arg-type]
    return one


def used(cost: FunctionCost) -> dict[str, float]:
    return {item.name: item.amount for item in cost.used}


def about(amount: float) -> object:
    return pytest.approx(amount, rel=1e-4)


def test_requests_and_gb_seconds() -> None:
    # 3 million requests of 120 ms with 1,536 MB: 3e6 x 0.12 s x 1.5 GB = 540,000 GB-s;
    # x 0.0000166667 = 9.00, and 3 x 0.20 = 0.60; the HTTP API 3 x 1.00.
    cost = only(lone(memory_mb=1536), requests=3e6, duration_ms=120)

    assert used(cost) == {"HTTP API": about(3.00), "requests": about(0.60), "duration": about(9.00)}
    assert cost.idle == ()


def test_arm_is_a_fifth_cheaper() -> None:
    # 540,000 GB-s x 0.0000133334 = 7.20
    by_build = only(lone(memory_mb=1536), requests=3e6, duration_ms=120, architecture="arm64")
    by_function = only(lone(memory_mb=1536, architecture="arm64"), requests=3e6, duration_ms=120)

    assert used(by_build)["duration"] == about(7.20)
    assert by_build.used == by_function.used


def test_a_function_of_another_size_is_tried() -> None:
    # 1e6 x 0.1 s x 2 GB x 0.0000166667 = 3.33
    assert used(only(lone(), memory_mb=ByName(everywhere=2048)))["duration"] == about(3.3333)


def test_a_rest_api_costs_three_and_a_half_times_an_http_api() -> None:
    assert used(only(application(gateway(), api=ApiPlan(kind="rest"))))["REST API"] == about(3.50)


def test_a_rest_api_counts_each_ten_megabytes_that_are_streamed() -> None:
    # 25 MB are 3 requests: 3 x 3.50. Above 6 MB: 1e6 x 19 / 1,024 GB x 0.008 = 148.4375
    cost = only(application(gateway(), api=ApiPlan(kind="rest")), streamed_mb=25)

    assert used(cost)["REST API"] == about(10.50)
    assert used(cost)["streaming"] == about(148.4375)


def test_a_function_url_is_free_and_streams_six_megabytes_free() -> None:
    plan = application(gateway(url=FunctionUrl(streams=True)), api=None)

    assert used(only(plan, streamed_mb=6)).keys() == {"requests", "duration"}


def test_what_is_streamed_goes_by_the_url_that_streams() -> None:
    plan = lone(url=FunctionUrl(streams=True))

    assert "HTTP API" in used(only(plan))
    assert "HTTP API" not in used(only(plan, streamed_mb=1))


def test_ephemeral_storage_above_512_mb() -> None:
    # 1e6 x 0.1 s x (10,240 - 512) / 1,024 = 950,000 GB-s x 0.0000000309 = 0.0294
    cost = only(lone(ephemeral_storage_mb=10_240))

    assert used(cost)["ephemeral storage"] == about(0.029355)


def test_what_is_kept_warm_costs_idle_and_less_when_used() -> None:
    # idle: 2 x 1 GB x 730 h x 3,600 s x 0.0000041667 = 21.90
    # used: 1e6 x 0.1 s x 1 GB = 100,000 GB-s x 0.0000097222 = 0.97
    cost = only(lone(memory_mb=1024, concurrency=Concurrency(provisioned=2)))

    assert cost.idle_total == about(21.90)
    assert used(cost)["duration"] == about(0.9722)


def test_what_the_warm_ones_cannot_serve_runs_on_demand() -> None:
    # 2,628,000 s a month; 52,560,000 requests of 100 ms are 2 at a time, of which 1 is warm:
    # 2,628,000 GB-s x 0.0000097222 + 2,628,000 GB-s x 0.0000166667 = 25.55 + 43.80
    cost = only(
        lone(memory_mb=1024, concurrency=Concurrency(provisioned=1)),
        requests=52_560_000,
    )

    assert used(cost)["duration"] == about(69.35)


def test_a_snapshot_is_paid_for_idle() -> None:
    # 1 GB x 2,628,000 s x 0.0000015046 = 3.954
    assert only(lone(memory_mb=1024, snap_start=True)).idle_total == about(3.954)


def test_managed_instances_are_whole_ones_and_have_no_duration() -> None:
    # One environment of 2 GB is a part of one c7i.xlarge: 730 h x 0.1785 x 1.15 = 149.85
    managed = Concurrency(provisioned=1, maximum=4, managed=True)
    cost = only(lone(concurrency=managed, **MANAGED))

    assert cost.idle_total == about(149.85)
    assert used(cost).keys() == {"HTTP API", "requests"}


def test_functions_of_one_capacity_provider_share_its_instances() -> None:
    # 2 GB + 2 GB of the 8 GB of one c7g.xlarge: 730 h x 0.145 x 1.15 = 121.73, parted in two
    managed = Concurrency(provisioned=1, maximum=4, managed=True)
    plan = application(
        gateway(concurrency=managed, **MANAGED),
        function("Model", concurrency=managed, **MANAGED),
    )

    found = bill(plan, architecture="arm64")

    assert found.idle == about(121.7275)
    assert [one.idle_total for one in found.functions] == [about(60.86), about(60.86)]


def test_an_environment_larger_than_the_instance_takes_several() -> None:
    # 16 GB are two of 8 GB: 2 x 149.85
    managed = Concurrency(provisioned=1, managed=True)
    plan = lone(capacity_provider="models", memory_mb=16_384, concurrency=managed)

    assert only(plan).idle_total == about(299.70)


def test_an_instance_is_full_when_its_memory_is() -> None:
    # Two environments of 2 GB fill an instance of 4 vCPUs and 4 GB: 5 at a time are 3 instances.
    prices = bundled_prices()
    small = replace(prices.instances["x86_64"], memory_gb=4)
    load = Load(requests=13_140_000, duration_ms=ByName(everywhere=1_000))

    [cost] = estimate(
        lone(),
        load,
        replace(prices, instances={**prices.instances, "x86_64": small}),
        "x86_64",
    ).functions

    assert cost.ways.instances == 3


def test_managed_instances_that_scale_to_zero_cost_with_the_load() -> None:
    managed = Concurrency(provisioned=0, maximum=4, managed=True)
    cost = only(lone(concurrency=managed, **MANAGED))

    assert cost.idle == ()
    assert used(cost)["1 c7i.xlarge"] == about(149.85)


def test_the_three_ways_to_compute() -> None:
    # 26,280,000 requests of 1 s are 10 at a time, 26,280,000 GB-s; requests 5.256.
    # on demand: x 0.0000166667 = 438.00
    # kept warm: 10 x 2,628,000 s x 0.0000041667 = 109.50, and x 0.0000097222 = 255.50
    # Managed Instances, 1 at a time in each: 10 of 2 GB are 2.5, so 3 of 149.85 = 449.55
    ways = only(lone(memory_mb=1024), requests=26_280_000, duration_ms=1_000).ways

    assert ways.on_demand == about(5.256 + 438.00)
    assert (ways.provisioned, ways.warm) == (about(5.256 + 365.00), 10)
    assert (ways.managed, ways.instances) == (about(5.256 + 449.55), 3)


def test_managed_instances_serve_several_requests_in_one_environment() -> None:
    # 10 at a time, 5 in each environment: 2 environments of 2 GB on one instance
    plan = lone(memory_mb=1024, max_ongoing_requests=5)

    assert only(plan, requests=26_280_000, duration_ms=1_000).ways.instances == 1


def test_more_memory_than_lambda_has_is_for_managed_instances_alone() -> None:
    managed = Concurrency(provisioned=1, managed=True)
    plan = lone(capacity_provider="models", memory_mb=16_384, concurrency=managed)

    ways = only(plan).ways

    assert (ways.on_demand, ways.provisioned) == (None, None)


def test_the_total_is_that_of_all_functions() -> None:
    # Gateway: 1.00 + 0.20 + 1e6 x 0.1 x 0.5 x 0.0000166667 = 0.8333; Model: 0.20 + 4 x 0.8333
    plan = application(gateway(calls=("Model",)), function("Model", memory_mb=2048))

    found = bill(plan)

    assert found.used == about(1.00 + 0.20 + 0.83333 + 0.20 + 3.33333)
    assert found.idle == 0


def test_no_requests_cost_nothing() -> None:
    assert bill(lone(), requests=0).used == 0

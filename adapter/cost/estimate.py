"""A month's cost of every function of a stack, and of the other ways to run it."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from adapter.cost.compute import (
    Memory,
    Use,
    duration_cost,
    ephemeral_storage_cost,
    instance_share,
    managed_cost,
    request_cost,
    snapshot_cost,
    warm_cost,
    whole_instances,
)
from adapter.cost.front import Front, Traffic, front_cost, streaming_cost
from adapter.cost.load import Load, invocations
from adapter.cost.prices import Prices
from adapter.plan.values import FunctionPlan, StackPlan

MAX_MEMORY_MB = 10_240  # more than that is for Managed Instances


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a bill: what it is for, and how much a month."""

    name: str
    amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What requests and computing of one function cost in each of three ways.

    `on_demand` and `provisioned` are None for more memory than they have. `warm` is how many
    environments serve the load where it is spread evenly. `instances` is the function's part of the
    EC2 instances that all functions of the stack share.
    """

    on_demand: float | None
    provisioned: float | None
    warm: int
    managed: float
    instances: float
    instance_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCost:
    """What one function costs: `idle` before the first request, `used` for the load."""

    function: FunctionPlan
    memory: Memory
    use: Use
    idle: tuple[Item, ...]
    used: tuple[Item, ...]
    ways: Ways

    @property
    def idle_total(self) -> float:
        """What it costs a month without a single request."""
        return sum(item.amount for item in self.idle)

    @property
    def used_total(self) -> float:
        """What the load adds."""
        return sum(item.amount for item in self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a stack costs a month: `idle` without a single request, `used` what the load adds."""

    plan: StackPlan
    load: Load
    prices: Prices
    functions: tuple[FunctionCost, ...]
    idle: float
    used: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A function with its load, and what is reckoned for all functions at once."""

    function: FunctionPlan
    memory: Memory
    use: Use
    front: Front
    traffic: Traffic

    @property
    def environments(self) -> int:
        """How many environments of Managed Instances serve the load, at least one."""
        at_once = max(self.function.max_concurrency, self.function.max_ongoing_requests)
        return max(1, math.ceil(self.use.concurrency / at_once))


def estimate(plan: StackPlan, load: Load, prices: Prices, architecture: str) -> Estimate:
    """Reckon what a stack costs; `architecture` is that of functions that name none.

    Raises `InvalidOption` where the load names a deployment that is not there.
    """
    load.refuse_unknown(plan)
    counts = invocations(plan, load)
    cases = [_case(one, counts[one.name], plan, load, architecture) for one in plan.functions]
    instances = _Instances(cases, prices)
    functions = tuple(
        FunctionCost(
            function=case.function,
            memory=case.memory,
            use=case.use,
            idle=_not_zero(_idle(case, instances, prices)),
            used=_not_zero(_used(case, instances, prices)),
            ways=_ways(case, instances, prices),
        )
        for case in cases
    )
    return Estimate(
        plan=plan,
        load=load,
        prices=prices,
        functions=functions,
        idle=sum(one.idle_total for one in functions),
        used=sum(one.used_total for one in functions),
    )


def _case(
    function: FunctionPlan,
    count: float,
    plan: StackPlan,
    load: Load,
    architecture: str,
) -> _Case:
    mb = load.memory_mb.of(function)
    front = _front(function, plan, load)
    return _Case(
        function=function,
        memory=Memory(
            mb=function.memory_mb if mb is None else int(mb),
            architecture=function.architecture or architecture,
        ),
        use=Use(count, (load.duration_ms.of(function) or 0.0) / 1_000),
        front=front,
        traffic=Traffic(load.requests if front != "none" else 0.0, load.streamed_mb),
    )


def _front(function: FunctionPlan, plan: StackPlan, load: Load) -> Front:
    """Return how requests come in: by the API, but streamed ones by the URL that streams."""
    if not function.is_ingress:
        return "none"
    api = plan.application(function.application).front
    streams = function.url is not None and function.url.streams
    if api is not None and api.kind == "rest":
        return "REST API"
    if api is not None and not (streams and load.streamed_mb):
        return "HTTP API"
    return "URL" if function.url is not None else "none"


class _Instances:
    """How many EC2 instances each function pays for, by name: a capacity provider has whole ones.

    `idle` and `loaded` are those of the plan, `compared` those where all functions ran there.
    """

    def __init__(self, cases: Sequence[_Case], prices: Prices) -> None:
        self.idle: dict[str, float] = {}
        self.loaded: dict[str, float] = {}
        self.compared: dict[str, float] = {}
        managed = [case for case in cases if case.function.concurrency.managed]
        for group in _grouped(managed, lambda case: case.function.capacity_provider):
            self.idle |= _parted(group, prices, lambda case: case.function.concurrency.provisioned)
            self.loaded |= _parted(
                group,
                prices,
                lambda case: max(case.environments, case.function.concurrency.provisioned),
            )
        for group in _grouped(cases, lambda case: case.memory.architecture):
            self.compared |= _parted(group, prices, lambda case: case.environments)


def _grouped(cases: Sequence[_Case], key: Callable[[_Case], str]) -> list[list[_Case]]:
    groups: dict[str, list[_Case]] = {}
    for case in cases:
        groups.setdefault(key(case), []).append(case)
    return list(groups.values())


def _parted(
    cases: Sequence[_Case],
    prices: Prices,
    environments: Callable[[_Case], int],
) -> dict[str, float]:
    return whole_instances(
        {
            case.function.name: instance_share(environments(case), case.memory, prices)
            for case in cases
        },
    )


def _idle(case: _Case, instances: _Instances, prices: Prices) -> Iterator[Item]:
    memory, wanted = case.memory, case.function.concurrency
    if wanted.managed:
        count = instances.idle[case.function.name]
        yield _instances_item(count, memory.architecture, prices)
    else:
        cost = warm_cost(wanted.provisioned, memory, prices)
        yield Item(f"{wanted.provisioned} kept warm", cost)
    if case.function.snap_start:
        yield Item("snapshot", snapshot_cost(memory, prices))


def _used(case: _Case, instances: _Instances, prices: Prices) -> Iterator[Item]:
    function, memory, use = case.function, case.memory, case.use
    yield Item(case.front, front_cost(case.front, case.traffic, prices))
    yield Item("streaming", streaming_cost(case.traffic, prices))
    yield Item("requests", request_cost(use, prices))
    if function.concurrency.managed:
        more = max(0.0, instances.loaded[function.name] - instances.idle[function.name])
        yield _instances_item(more, memory.architecture, prices)
        return
    yield Item("duration", duration_cost(use, memory, prices, function.concurrency.provisioned))
    storage = ephemeral_storage_cost(use, function.ephemeral_storage_mb, prices)
    yield Item("ephemeral storage", storage)


def _instances_item(count: float, architecture: str, prices: Prices) -> Item:
    name = f"{count:.2g} {prices.instances[architecture].type}"
    return Item(name, managed_cost(count, architecture, prices))


def _not_zero(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(item for item in items if item.amount)


def _ways(case: _Case, instances: _Instances, prices: Prices) -> Ways:
    use, memory = case.use, case.memory
    always = request_cost(use, prices)
    always += ephemeral_storage_cost(use, case.function.ephemeral_storage_mb, prices)
    warm = max(1, math.ceil(use.concurrency))
    kept = warm_cost(warm, memory, prices) + duration_cost(use, memory, prices, warm)
    fits = memory.mb <= MAX_MEMORY_MB
    count = instances.compared[case.function.name]
    return Ways(
        on_demand=always + duration_cost(use, memory, prices) if fits else None,
        provisioned=always + kept if fits else None,
        warm=warm,
        managed=request_cost(use, prices) + managed_cost(count, memory.architecture, prices),
        instances=count,
        instance_type=prices.instances[memory.architecture].type,
    )

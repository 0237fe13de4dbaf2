"""What computing costs: on demand, kept warm, on Managed Instances.

https://aws.amazon.com/lambda/pricing/
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from adapter.cost.prices import Prices

HOURS_PER_MONTH = 730  # as AWS's own calculator reckons
SECONDS_PER_MONTH = HOURS_PER_MONTH * 3_600
MB_PER_GB = 1_024
FREE_EPHEMERAL_STORAGE_MB = 512
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-best-practices.html
MANAGED_MIN_MEMORY_MB = 2_048
MANAGED_MB_PER_VCPU = 2_048


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of one environment in MB, and the processor that it comes with."""

    mb: int
    architecture: str

    @property
    def gb(self) -> float:
        """The memory in Lambda's GB, which has 1,024 MB."""
        return self.mb / MB_PER_GB


@dataclass(frozen=True, slots=True)
class Use:
    """How often a function is invoked a month, and for how many seconds each time."""

    invocations: float
    seconds: float

    @property
    def total_seconds(self) -> float:
        """All the seconds of a month."""
        return self.invocations * self.seconds

    @property
    def concurrency(self) -> float:
        """How many invocations are under way at a time, where they are spread evenly."""
        return self.total_seconds / SECONDS_PER_MONTH


def request_cost(use: Use, prices: Prices) -> float:
    """Return what Lambda charges for invocations as such."""
    return use.invocations / 1e6 * prices.lambda_.requests_per_million


def duration_cost(use: Use, memory: Memory, prices: Prices, warm: int = 0) -> float:
    """Return what the time of invocations costs, of which `warm` environments serve what they can.

    Invocations are taken to be spread evenly over the month; what is more than the warm
    environments can serve runs on demand.
    """
    compute = prices.compute[memory.architecture]
    gb_seconds = use.total_seconds * memory.gb
    served = min(1.0, warm / use.concurrency) if use.concurrency else 0.0
    return gb_seconds * (
        served * compute.provisioned_duration_per_gb_second
        + (1 - served) * compute.duration_per_gb_second
    )


def warm_cost(count: int, memory: Memory, prices: Prices) -> float:
    """Return what it costs to keep environments warm for a month, used or not."""
    price = prices.compute[memory.architecture].provisioned_per_gb_second
    return count * memory.gb * SECONDS_PER_MONTH * price


def snapshot_cost(memory: Memory, prices: Prices) -> float:
    """Return what the snapshot of one published version costs a month (SnapStart)."""
    return memory.gb * SECONDS_PER_MONTH * prices.lambda_.snap_start_cache_per_gb_second


def ephemeral_storage_cost(use: Use, size_mb: int, prices: Prices) -> float:
    """Return what `/tmp` costs above its free 512 MB, while invocations run."""
    extra_gb = max(0, size_mb - FREE_EPHEMERAL_STORAGE_MB) / MB_PER_GB
    return use.total_seconds * extra_gb * prices.lambda_.ephemeral_storage_per_gb_second


def instance_share(environments: int, memory: Memory, prices: Prices) -> float:
    """Return how much of an instance those environments of Managed Instances take.

    More than 1 is more than one instance. Memory comes with a vCPU for each 2 GB.
    """
    instance = prices.instances[memory.architecture]
    mb = max(memory.mb, MANAGED_MIN_MEMORY_MB)
    vcpus = math.ceil(mb / MANAGED_MB_PER_VCPU)
    return environments * max(mb / MB_PER_GB / instance.memory_gb, vcpus / instance.vcpus)


def whole_instances(shares: Mapping[str, float]) -> dict[str, float]:
    """Round what is on the same instances up to whole ones, and part them by the shares."""
    total = sum(shares.values())
    if not total:
        return dict.fromkeys(shares, 0.0)
    rounded = math.ceil(round(total, 9))  # 0.1 + 0.2 is no more than 0.3
    return {name: share / total * rounded for name, share in shares.items()}


def managed_cost(instances: float, architecture: str, prices: Prices) -> float:
    """Return what instances cost a month: EC2's on-demand price and Lambda's fee on it."""
    per_hour = prices.instances[architecture].per_hour
    return instances * HOURS_PER_MONTH * per_hour * (1 + prices.lambda_.managed_instances_fee)

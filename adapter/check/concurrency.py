"""Reserved and provisioned concurrency, and SnapStart."""

from collections.abc import Iterator

from adapter.check.stack import Resource, Stack, mapping, number
from adapter.check.values import Fault
from adapter.cost.compute import Memory, managed_cost, warm_cost
from adapter.cost.prices import bundled_prices
from adapter.plan.values import FunctionPlan

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
MIN_UNRESERVED = 100


def snap_start_and_provisioned(stack: Stack) -> Iterator[Fault]:
    """A version has one of the two.

    https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
    """
    for function in stack.functions:
        if not _snap_start(function):
            continue
        if _provisioned(function):
            yield Fault(
                function.where,
                "SnapStart and provisioned concurrency exclude each other.",
                "Drop snap_start, or let it scale from zero (min_replicas=0).",
                function.logical_id,
            )
        if number(mapping(function.properties.get("EphemeralStorage")).get("Size")) > 512:
            yield Fault(
                function.where,
                "SnapStart takes functions with 512 MB of ephemeral storage only.",
                "Drop snap_start, or ephemeral_storage_mb.",
                function.logical_id,
            )


def reserved_beyond_account(stack: Stack) -> Iterator[Fault]:
    """Lambda keeps 100 of an account's executions for the functions that reserve none.

    What is kept warm is taken from the account as well, where nothing is reserved.
    """
    wanted = {
        function.where: max(
            number(function.properties.get("ReservedConcurrentExecutions")),
            _provisioned(function),
        )
        for function in stack.functions
    }
    total, limit = sum(wanted.values()), stack.account_concurrency
    if total > max(0, limit - MIN_UNRESERVED):
        largest = max(wanted, key=lambda name: wanted[name])
        yield Fault(
            "",
            f"{total:,} executions are reserved or kept warm, most of them for {largest} "
            f"({wanted[largest]:,}); "
            f"an account with a limit of {limit:,} grants {max(0, limit - MIN_UNRESERVED):,}.",
            "Lower max_replicas, or have the limit raised in Service Quotas; new accounts start "
            "below 1,000 (aws lambda get-account-settings).",
        )


def provisioned_beyond_reserved(stack: Stack) -> Iterator[Fault]:
    """What is kept warm is part of what is reserved."""
    for function in stack.functions:
        reserved = function.properties.get("ReservedConcurrentExecutions")
        if isinstance(reserved, int) and _provisioned(function) > reserved:
            yield Fault(
                function.where,
                f"{_provisioned(function)} environments are kept warm and {reserved} are reserved; "
                "Lambda refuses that.",
                "Raise max_replicas to min_replicas or more.",
                function.logical_id,
            )


def idle_cost(stack: Stack) -> Iterator[Fault]:
    """What is warm is paid for by the second, used or not."""
    prices = bundled_prices()
    for function in stack.functions:
        count = _provisioned(function)
        if not count:
            continue
        memory = Memory(
            number(function.properties.get("MemorySize")) or 128, _architecture(function)
        )
        monthly = warm_cost(count, memory, prices)
        yield Fault(
            function.where,
            f"provisioned concurrency {count} costs {monthly:.2f} {prices.currency} a month before "
            f"the first request (prices of {prices.date}, {prices.region}).",
            f"Silence this where it is meant; {_scales_in(function.plan)}`adapter cost` compares.",
            function.logical_id,
        )


def instances_cost(stack: Stack) -> Iterator[Fault]:
    """Managed Instances are EC2 instances, paid for by the hour."""
    prices = bundled_prices()
    for function in stack.functions:
        config = mapping(function.properties.get("FunctionScalingConfig"))
        count = number(config.get("MinExecutionEnvironments"))
        if not count:
            continue
        architecture = _architecture(function)
        monthly = managed_cost(1, architecture, prices)
        yield Fault(
            function.where,
            f"keeps {count} on Managed Instances; one instance, such as a "
            f"{prices.instances[architecture].type}, costs {monthly:.2f} {prices.currency} a month "
            f"before the first request (prices of {prices.date}, {prices.region}).",
            "Silence this where it is meant; `adapter cost` compares.",
            function.logical_id,
        )


def _scales_in(plan: FunctionPlan | None) -> str:
    if plan is None or not plan.concurrency.scales:
        return ""
    return "without traffic there is no metric, so what has scaled out does not scale in; "


def _snap_start(function: Resource) -> bool:
    return mapping(function.properties.get("SnapStart")).get("ApplyOn") == "PublishedVersions"


def _provisioned(function: Resource) -> int:
    config = mapping(function.properties.get("ProvisionedConcurrencyConfig"))
    return number(config.get("ProvisionedConcurrentExecutions"))


def _architecture(function: Resource) -> str:
    found = function.properties.get("Architectures")
    return "arm64" if isinstance(found, list) and "arm64" in found else "x86_64"

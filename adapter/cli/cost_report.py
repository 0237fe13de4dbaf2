"""What `adapter cost` says."""

import json
from collections.abc import Sequence
from typing import Any

from adapter.cost.estimate import Estimate, FunctionCost, Item

_LEFT_OUT = (
    "list prices without tiers, free tiers and discounts; requests spread evenly over the month",
    "left out: cold starts, data transfer, logs, and what else the program uses",
)


def as_json(found: Estimate) -> str:
    """Report for programs; amounts are not rounded to cents."""
    report = {
        "target": found.plan.target,
        "requests": found.load.requests,
        "prices": {
            "date": found.prices.date,
            "region": found.prices.region,
            "currency": found.prices.currency,
        },
        "functions": [_function_json(one) for one in found.functions],
        "idle": _amount(found.idle),
        "used": _amount(found.used),
        "total": _amount(found.idle + found.used),
    }
    return json.dumps(report, indent=2)


def _function_json(cost: FunctionCost) -> dict[str, Any]:
    return {
        "deployment": cost.function.deployment,
        "application": cost.function.application,
        "memory_mb": cost.memory.mb,
        "architecture": cost.memory.architecture,
        "invocations": cost.use.invocations,
        "duration_ms": cost.use.seconds * 1_000,
        "idle": _items_json(cost.idle),
        "used": _items_json(cost.used),
        "total": _amount(cost.idle_total + cost.used_total),
        "ways": {
            "on_demand": _optional(cost.ways.on_demand),
            "provisioned": _optional(cost.ways.provisioned),
            "provisioned_environments": cost.ways.warm,
            "managed_instances": _amount(cost.ways.managed),
            "instances": cost.ways.instances,
            "instance_type": cost.ways.instance_type,
        },
    }


def _items_json(items: Sequence[Item]) -> list[dict[str, Any]]:
    return [{"name": item.name, "amount": _amount(item.amount)} for item in items]


def _amount(value: float) -> float:
    return round(value, 6)


def _optional(value: float | None) -> float | None:
    return None if value is None else _amount(value)


def as_text(found: Estimate) -> str:
    """Report for people: the bill, the three ways to compute, the prices' date and region."""
    prices = found.prices
    architectures = sorted({one.memory.architecture for one in found.functions})
    lines = [
        *_aligned(_bill(found), right={1, 3}),
        "",
        *_aligned(_ways(found), right={1, 2, 4}),
        "",
        f"prices of {prices.date}, {prices.region}, {', '.join(architectures)}",
        *_LEFT_OUT,
    ]
    return "\n".join(f"  {line}" if line else "" for line in lines)


def _bill(found: Estimate) -> list[tuple[str, ...]]:
    currency = found.prices.currency
    rows: list[tuple[str, ...]] = [
        ("", "idle", f"for {found.load.requests:,.0f} requests", f"{currency} a month"),
    ]
    for one in found.functions:
        total = one.idle_total + one.used_total
        rows.append((_name(one, found), _money(one.idle_total), _sum(one.used), _money(total)))
    total = found.idle + found.used
    return [*rows, ("total", _money(found.idle), _money(found.used), _money(total))]


def _ways(found: Estimate) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("", "on demand", "kept warm", "", "Managed Instances", "")]
    for one in found.functions:
        ways = one.ways
        rows.append(
            (
                _name(one, found),
                _or_none(ways.on_demand),
                _or_none(ways.provisioned),
                f"({ways.warm} warm)",
                _money(ways.managed),
                f"({ways.instances:.2g} {ways.instance_type})",
            ),
        )
    every = [one.ways for one in found.functions]
    return [
        *rows,
        (
            "total",
            _total([ways.on_demand for ways in every]),
            _total([ways.provisioned for ways in every]),
            "",
            _total([ways.managed for ways in every]),
            "",
        ),
    ]


def _total(amounts: Sequence[float | None]) -> str:
    known = [amount for amount in amounts if amount is not None]
    return _or_none(sum(known) if len(known) == len(amounts) else None)


def _name(cost: FunctionCost, found: Estimate) -> str:
    several = len(found.plan.applications) > 1
    return cost.function.name if several else cost.function.title


def _sum(items: Sequence[Item]) -> str:
    return " + ".join(f"{_money(item.amount)} ({item.name})" for item in items) or "0.00"


def _or_none(value: float | None) -> str:
    return "-" if value is None else _money(value)


def _money(amount: float) -> str:
    return "<0.01" if 0 < amount < 0.005 else f"{amount:,.2f}"


def _aligned(rows: list[tuple[str, ...]], right: set[int]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_cells(row, widths, right)).rstrip() for row in rows]


def _cells(row: tuple[str, ...], widths: list[int], right: set[int]) -> list[str]:
    return [
        cell.rjust(width) if place in right else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]

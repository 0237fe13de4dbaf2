"""Prices with their date and region."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from adapter.errors import InvalidOption, did_you_mean

ARCHITECTURES = ("x86_64", "arm64")
_BUNDLED = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputePrices:
    """What a GB-second of a processor costs: on demand, kept warm, and used while it is warm."""

    duration_per_gb_second: float
    provisioned_per_gb_second: float
    provisioned_duration_per_gb_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaPrices:
    """What Lambda charges for whatever the processor is; `managed_instances_fee` is a share."""

    requests_per_million: float
    ephemeral_storage_per_gb_second: float
    streamed_per_gb: float
    snap_start_cache_per_gb_second: float
    managed_instances_fee: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiPrices:
    """What API Gateway charges for requests."""

    http_api_per_million: float
    rest_api_per_million: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """The EC2 instance that Managed Instances are reckoned with, at its on-demand price."""

    type: str
    per_hour: float
    vcpus: float
    memory_gb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """A table of prices. `compute` and `instances` are by architecture."""

    date: str
    region: str
    currency: str
    lambda_: LambdaPrices
    api_gateway: ApiPrices
    compute: Mapping[str, ComputePrices]
    instances: Mapping[str, Instance]


@cache
def bundled_prices() -> Prices:
    """Return the table that comes with the package."""
    return read_prices(_BUNDLED)


def read_prices(path: Path) -> Prices:
    """Read a table in the form of prices.toml.

    Raises `InvalidOption` where it cannot be read, lacks a price or has one too many.
    """
    return _prices(path)


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidOption(f"cannot read the prices in {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidOption(f"{path} is not valid TOML: {error}.") from error


class _Table:
    """A section of the file, with an error for everything that is not as it must be."""

    def __init__(self, path: Path, name: str, written: Any) -> None:
        if not isinstance(written, dict):
            raise InvalidOption(f"{path}: the section [{name}] is missing.")
        self._path, self.name, self._written = path, name, written

    def section(self, name: str) -> "_Table":
        full_name = f"{self.name}.{name}" if self.name else name
        return _Table(self._path, full_name, self._written.get(name))

    def text(self, name: str) -> str:
        found = self._written.get(name)
        if not isinstance(found, str) or not found:
            raise self._wrong(name, "a text")
        return found

    def date(self) -> str:
        found = self._written.get("date")
        if not isinstance(found, date):
            raise self._wrong("date", "a date such as 2026-09-19")
        return found.isoformat()

    def numbers(self, *names: str) -> dict[str, float]:
        """Return the prices of those names, each of them a number from 0 on."""
        return {name: self._number(name) for name in names}

    def refuse_others(self, *known: str) -> None:
        for name in self._written:
            if name not in known:
                where = f" in [{self.name}]" if self.name else ""
                raise InvalidOption(
                    f"{self._path}: there is no price {name!r}{where}.{did_you_mean(name, known)}",
                )

    def _number(self, name: str) -> float:
        found = self._written.get(name)
        is_number = isinstance(found, (int, float)) and not isinstance(found, bool)
        if is_number and 0 <= (price := float(found)) < math.inf:  # type: ignore[arg-type]  # is_number says it
            return price
        raise self._wrong(name, "a number from 0 on")

    def _wrong(self, name: str, expected: str) -> InvalidOption:
        full_name = f"{self.name}.{name}" if self.name else name
        found = f"is {self._written[name]!r}" if name in self._written else "is missing"
        return InvalidOption(f"{self._path}: {full_name} {found}; it must be {expected}.")


def _prices(path: Path) -> Prices:
    top = _Table(path, "", _load(path))
    top.refuse_others("api_gateway", "currency", "date", "instance", "lambda", "region")
    on_lambda, instances = top.section("lambda"), top.section("instance")
    on_lambda.refuse_others(*_names(LambdaPrices), *ARCHITECTURES)
    instances.refuse_others(*ARCHITECTURES)
    gateway = top.section("api_gateway")
    gateway.refuse_others(*_names(ApiPrices))
    return Prices(
        date=top.date(),
        region=top.text("region"),
        currency=top.text("currency"),
        lambda_=LambdaPrices(**on_lambda.numbers(*_names(LambdaPrices))),
        api_gateway=ApiPrices(**gateway.numbers(*_names(ApiPrices))),
        compute={one: _compute(on_lambda.section(one)) for one in ARCHITECTURES},
        instances={one: _instance(instances.section(one)) for one in ARCHITECTURES},
    )


def _compute(table: _Table) -> ComputePrices:
    table.refuse_others(*_names(ComputePrices))
    return ComputePrices(**table.numbers(*_names(ComputePrices)))


def _instance(table: _Table) -> Instance:
    table.refuse_others(*_names(Instance))
    numbers = table.numbers("per_hour", "vcpus", "memory_gb")
    if not numbers["vcpus"] or not numbers["memory_gb"]:
        raise InvalidOption(f"{table.name} needs vcpus and memory_gb above 0.")
    return Instance(type=table.text("type"), **numbers)


def _names(kind: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))

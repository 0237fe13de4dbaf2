from pathlib import Path

import pytest

from adapter.cost.prices import bundled_prices, read_prices
from adapter.errors import InvalidOption

BUNDLED = (Path(__file__).parents[2] / "adapter/cost/prices.toml").read_text(encoding="utf-8")


def table(tmp_path: Path, old: str = "", new: str = "") -> Path:
    """Write the bundled table with one change."""
    assert old in BUNDLED
    path = tmp_path / "prices.toml"
    path.write_text(BUNDLED.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_bundled_prices_have_a_date_and_a_region() -> None:
    prices = bundled_prices()

    assert (prices.date, prices.region, prices.currency) == ("2026-09-19", "us-east-1", "USD")
    assert prices.compute["arm64"].duration_per_gb_second == 0.0000133334


def test_a_table_of_another_region_takes_its_place(tmp_path: Path) -> None:
    prices = read_prices(table(tmp_path, "us-east-1", "eu-central-1"))

    assert prices.region == "eu-central-1"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("date = 2026-09-19", "", "date is missing; it must be a date such as"),
        ("date = 2026-09-19", 'date = "today"', "date is 'today'; it must be a date"),
        ('region = "us-east-1"', "region = 1", "region is 1; it must be a text"),
        ("rest_api_per_million = 3.50", "", "api_gateway.rest_api_per_million is missing"),
        ("= 3.50", "= -1", "rest_api_per_million is -1; it must be a number from 0 on"),
        ("= 3.50", "= true", "rest_api_per_million is True; it must be a number"),
        ("= 3.50", "= nan", "rest_api_per_million is nan; it must be a number"),
        ("rest_api_per", "rset_api_per", r"no price 'rset_.*' in \[api_gateway\]. Did you mean"),
        ("vcpus = 4", "vcpus = 0", "instance.x86_64 needs vcpus and memory_gb above 0"),
        ("[lambda.arm64]", "[lambda.arm]", r"no price 'arm' in \[lambda\]"),
        ("[instance.arm64]", "[instance.arm]", r"no price 'arm' in \[instance\]"),
        ("[api_gateway]", "[[api_gateway]]", r"section \[api_gateway\] is missing"),
        ("= 3.50", "=", "is not valid TOML"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        read_prices(table(tmp_path, old, new))


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match=r"cannot read the prices in .*: No such file"):
        read_prices(tmp_path / "prices.toml")

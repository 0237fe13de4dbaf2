import json
from pathlib import Path

import pytest

from tests.cli.programs import ROOT, adapter, shop
from tests.template.trees import write_tree

PROGRAM = shop("num_replicas=1")
LIST_PRICES = (
    "  list prices without tiers, free tiers and discounts; requests spread evenly over the month"
)
LOAD = ("--requests", "1e6", "--duration", "100")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tree(tmp_path, {"shop.py": PROGRAM, ".git/HEAD": ""})


def test_the_bill_is_aligned_and_states_date_and_region(folder: Path) -> None:
    done = adapter(folder, "cost", "shop:app", *LOAD)

    # Gateway: 1e6 x 0.1 s x 0.5 GB = 50,000 GB-s x 0.0000166667 = 0.83
    # Model, one kept warm: 0.5 GB x 2,628,000 s x 0.0000041667 = 5.48; 50,000 x 0.0000097222 = 0.49
    # one c7i.xlarge for both: 149.85 / 2 + 0.20 = 75.13
    assert done.stdout.splitlines() == [
        "           idle  for 1,000,000 requests                               USD a month",
        "  Gateway  0.00  1.00 (HTTP API) + 0.20 (requests) + 0.83 (duration)         2.03",
        "  Model    5.48  0.20 (requests) + 0.49 (duration)                           6.16",
        "  total    5.48  2.72                                                        8.19",
        "",
        "           on demand  kept warm            Managed Instances",
        "  Gateway       1.03       6.16  (1 warm)              75.13  (0.5 c7i.xlarge)",
        "  Model         1.03       6.16  (1 warm)              75.13  (0.5 c7i.xlarge)",
        "  total         2.07      12.32                       150.25",
        "",
        "  prices of 2026-09-19, us-east-1, x86_64",
        LIST_PRICES,
        "  left out: cold starts, data transfer, logs, and what else the program uses",
    ]
    assert (done.stderr, done.returncode) == ("", 0)


def test_the_bill_is_json_for_programs(folder: Path) -> None:
    done = adapter(folder, "cost", "shop:app", *LOAD, "--output", "json")

    report = json.loads(done.stdout)
    assert report["prices"] == {"date": "2026-09-19", "region": "us-east-1", "currency": "USD"}
    assert report["functions"][1]["idle"] == [{"name": "1 kept warm", "amount": 5.475044}]
    assert report["total"] == pytest.approx(report["idle"] + report["used"])


def test_numbers_are_written_as_people_do(folder: Path) -> None:
    bills = [
        adapter(folder, "cost", "shop:app", "--requests", number, "--duration", "100").stdout
        for number in ("1000000", "1_000_000", "1e6")
    ]

    assert len(set(bills)) == 1


def test_a_deployment_has_numbers_of_its_own(folder: Path) -> None:
    own = ("--duration", "Model=10", "--calls", "Model=2", "--memory", "Model=1024")

    done = adapter(folder, "cost", "shop:app", *LOAD, *own, "--output", "json")

    _, model = json.loads(done.stdout)["functions"]
    assert (model["invocations"], model["duration_ms"], model["memory_mb"]) == (2e6, 10, 1024)


def test_a_table_of_prices_of_ones_own(folder: Path) -> None:
    table = (ROOT / "adapter/cost/prices.toml").read_text(encoding="utf-8")
    write_tree(folder, {"mine.toml": table.replace("us-east-1", "mars-north-1")})

    done = adapter(folder, "cost", "shop:app", *LOAD, "--prices", "mine.toml")

    assert "prices of 2026-09-19, mars-north-1, x86_64" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--requests", "many", "--duration", "1"), "expected a number from 0 on"),
        (("--requests", "-1", "--duration", "1"), "expected a number from 0 on"),
        (("--requests", "inf", "--duration", "1"), "expected a number from 0 on"),
        (("--requests", "1", "--duration", "=1"), "expected DEPLOYMENT=NUMBER"),
        (("--requests", "1", "--duration", "Model=1"), "a number for all deployments"),
        (("--requests", "1"), "Missing option '--duration'"),
        ((*LOAD, "--duration", "2"), "--duration is there twice for all deployments"),
        ((*LOAD, "--calls", "2"), "--calls needs the name of a deployment"),
        ((*LOAD, "--calls", "Modle=2"), "no deployment 'Modle'. Did you mean 'Model'?"),
        ((*LOAD, "--memory", "64"), "--memory is in MB, from 128 to 32768; found 64"),
    ],
)
def test_a_wrong_number_is_one_clear_error(
    folder: Path,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    done = adapter(folder, "cost", "shop:app", *arguments)

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr

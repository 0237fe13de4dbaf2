import json
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.aws import Aws, aws, region, shop

__all__ = ["aws", "region"]


def milliseconds() -> int:
    return int(time.time() * 1000)


def write(aws: Aws, deployment: str, *events: tuple[int, str], now: int | None = None) -> None:
    """Write log events; the times are in milliseconds before `now`."""
    client: Any = aws.client("logs")
    where = {"logGroupName": f"/aws/lambda/shop-{deployment}", "logStreamName": "one"}
    if not client.describe_log_groups(logGroupNamePrefix=where["logGroupName"])["logGroups"]:
        client.create_log_group(logGroupName=where["logGroupName"])
        client.create_log_stream(**where)
    now = milliseconds() if now is None else now
    told = [{"timestamp": now - ago, "message": message} for ago, message in events]
    client.put_log_events(**where, logEvents=told)


@pytest.fixture
def logged(aws: Aws) -> Aws:
    aws.create_stack("shop", shop())
    now = milliseconds()  # one for both: creating a group can take longer than their distance
    write(aws, "Gateway", (5000, "first\n"), (3000, "third\n"), now=now)
    write(aws, "Model", (4000, "second\nof two lines\n"), (2000, "\x1b[31mred\n"), now=now)
    return aws


def messages(text: str) -> list[str]:
    """Return the lines without times; those before midnight begin with their day."""
    return [re.sub(r"(\d{4}-\d\d-\d\d )?\S*\s+", "", line, count=1) for line in text.splitlines()]


def test_all_functions_are_shown_by_time(logged: Aws, tmp_path: Path) -> None:
    done = logged.call(tmp_path, "logs", "--stack", "shop")

    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert messages("\n".join([*lines[:2], *lines[3:]])) == [
        "Gateway  first",
        "Model    second",
        "Gateway  third",
        "Model    \\x1b[31mred",
    ]
    assert lines[2] == f"{' ' * lines[1].index('second')}of two lines"


def test_one_deployment_alone(logged: Aws, tmp_path: Path) -> None:
    done = logged.call(tmp_path, "logs", "Gateway", "--stack", "shop")

    assert messages(done.stdout) == ["Gateway  first", "Gateway  third"]
    wrong = logged.call(tmp_path, "logs", "Gatway", "--stack", "shop")
    assert "has no deployment 'Gatway'. Did you mean 'Gateway'?" in wrong.stderr
    assert wrong.returncode == 1


def test_from_when_on_and_what(logged: Aws, tmp_path: Path) -> None:
    write(logged, "Gateway", (3_600_000, "of an hour ago"))

    now = logged.call(tmp_path, "logs", "--stack", "shop", "--filter", "third")
    earlier = logged.call(tmp_path, "logs", "Gateway", "--stack", "shop", "--since", "2h")

    assert messages(now.stdout) == ["Gateway  third"]
    assert "of an hour ago" in earlier.stdout.splitlines()[0]


def test_json_is_one_object_a_line(logged: Aws, tmp_path: Path) -> None:
    done = logged.call(tmp_path, "logs", "Model", "--stack", "shop", "--output", "json")

    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["deployment"], first["message"]) == ("Model", "second\nof two lines")
    assert second["message"] == "\x1b[31mred"
    assert second["stream"] == "one"
    assert first["time"].endswith("+00:00")


def test_a_function_that_never_ran_has_no_log(aws: Aws, tmp_path: Path) -> None:
    aws.create_stack("shop", shop())

    done = aws.call(tmp_path, "logs", "--stack", "shop")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("since", ["yesterday", "10", "m", "-5m"])
def test_a_wrong_span_is_wrong_use(aws: Aws, tmp_path: Path, since: str) -> None:
    done = aws.call(tmp_path, "logs", "--stack", "shop", f"--since={since}")

    assert done.returncode == 2
    assert "expected a span such as 30s, 10m, 2h or 1d" in done.stderr


def test_following_shows_each_event_once_until_ctrl_c(logged: Aws, tmp_path: Path) -> None:
    with logged.start(tmp_path, "logs", "-f", "--stack", "shop", "--output", "json") as process:
        assert process.stdout is not None
        for _ in range(4):
            process.stdout.readline()
        write(logged, "Gateway", (0, "later"))
        later = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        code = process.wait()

    assert later["message"] == "later"
    assert (code, rest) == (0, "")


def test_it_ends_quietly_where_nobody_reads(logged: Aws, tmp_path: Path) -> None:
    with logged.start(tmp_path, "logs", "-f", "--stack", "shop") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        while process.poll() is None:
            write(logged, "Gateway", (0, "nobody reads this"))
            time.sleep(0.2)

    assert process.returncode == 0

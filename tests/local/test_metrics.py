"""The metrics of all functions on this machine, as Prometheus reads them."""

import urllib.request

import pytest

from adapter import serve
from adapter.local import in_process
from adapter.local.metrics import Metrics
from adapter.local.server import RUNTIME
from adapter.serve import embedded_metrics
from adapter.serve.metrics import Series
from tests.local.world import AWS_RUNTIME, application_plan, function_plan, serving, until

HERE = {"deployment": "Model", "replica": "r-1"}


def counter(value: float, **tags: str) -> Series:
    return Series("counter", "requests", {**HERE, **tags}, [value], "how many\nat \\all")


def text(*recorded: Series) -> list[str]:
    metrics = Metrics()
    for series in recorded:
        metrics.add([series])
    return metrics.text().splitlines()


def test_a_counter_grows_and_its_name_says_so() -> None:
    assert text(counter(2), counter(3.5), counter(1, model='a"b\\c\nd')) == [
        "# HELP requests_total how many\\nat \\\\all",
        "# TYPE requests_total counter",
        'requests_total{deployment="Model",model="a\\"b\\\\c\\nd",replica="r-1"} 1',
        'requests_total{deployment="Model",replica="r-1"} 5.5',
    ]


def test_a_counter_that_says_so_itself_keeps_its_name() -> None:
    assert text(Series("counter", "requests_total", {}, [1])) == [
        "# TYPE requests_total counter",
        "requests_total 1",
    ]


def test_a_gauge_shows_the_last_value() -> None:
    assert text(Series("gauge", "memory", {}, [2]), Series("gauge", "memory", {}, [1])) == [
        "# TYPE memory gauge",
        "memory 1",
    ]


def test_a_histogram_counts_in_buckets_that_hold_the_smaller_ones() -> None:
    first = Series("histogram", "load_ms", HERE, [1, 0.5, 7], boundaries=[1, 5])
    second = Series("histogram", "load_ms", HERE, [5], boundaries=[1, 5])

    assert text(first, second) == [
        "# TYPE load_ms histogram",
        'load_ms_bucket{deployment="Model",replica="r-1",le="1.0"} 2',
        'load_ms_bucket{deployment="Model",replica="r-1",le="5.0"} 3',
        'load_ms_bucket{deployment="Model",replica="r-1",le="+Inf"} 4',
        'load_ms_sum{deployment="Model",replica="r-1"} 13.5',
        'load_ms_count{deployment="Model",replica="r-1"} 4',
    ]


def test_a_tag_that_prometheus_cannot_name_gets_another_name() -> None:
    assert text(Series("gauge", "memory", {"model-id": "a", "1st": "b"}, [1]))[1:] == [
        'memory{_1st="b",model_id="a"} 1',
    ]


RECORDED = [
    counter(2, model="ü", route=""),
    Series("histogram", "load_ms", HERE, [float(n) for n in range(150)], boundaries=[10]),
    Series("gauge", "memory", HERE, [3]),
]


def lines(**environ: str) -> list[bytes]:
    return [line.encode() for line in embedded_metrics.lines(RECORDED, environ, 0)]


def test_lines_of_functions_say_the_same_as_what_they_recorded() -> None:
    metrics, expected = Metrics(), Metrics()
    expected.add(RECORDED)

    assert all(metrics.take(line) for line in lines(ADAPTER_DESCRIBE_METRICS="1"))

    assert metrics.text() == expected.text()


@pytest.mark.parametrize(
    "line",
    [
        *lines(),
        b"",
        b"a line",
        b'{"_aws":',
        b'{"_aws":{}}',
        b'{"_aws":{},"_adapter":1}',
        b'{"_aws":{},"_adapter":{"metrics":{"a":{}},"tags":{}},"a":1}',
        b'{"_aws":{},"_adapter":{"metrics":[],"tags":{}}}',
    ],
)
def test_lines_that_are_the_users_own_are_left_alone(line: bytes) -> None:
    metrics = Metrics()

    assert not metrics.take(line)
    assert metrics.text() == ""


COUNTING = """
from adapter import serve
from adapter.function import entry_point
from adapter.serve.metrics import Counter

@serve.deployment
class Counting:
    def __init__(self):
        self.requests = Counter("requests", "how many", tag_keys=("route",))

    def __call__(self, *_request):
        self.requests.inc()
        print("seen", flush=True)
        return "done"

handler = entry_point(Counting)
"""


@pytest.mark.parametrize("command", [RUNTIME, AWS_RUNTIME], ids=["ours", "AWS's"])
async def test_adapter_run_collects_metrics_and_does_not_show_their_lines(
    command: tuple[str, ...],
) -> None:
    plan = application_plan(function_plan(COUNTING, name="Counting"))
    async with serving(plan, command=command) as served:
        await served.http.get("/")
        await served.http.get("/")
        await served.invoke("Counting", {"method": "__call__"})
        await until(lambda: served.server.metrics.text().count("requests_total{") == 2)
        shown = (await served.http.get("/-/metrics")).text
        printed = [record["text"] for record in served.records.of("output")]

    totals = [line for line in shown.splitlines() if line.startswith("requests_total{")]
    assert {line.rpartition("} ")[2] for line in totals} == {"1.0", "2.0"}
    assert all('deployment="Counting"' in line for line in totals)
    assert "# HELP requests_total how many" in shown
    assert printed == ["seen"] * 3


def test_serve_run_shows_metrics_and_prints_none(capsys: pytest.CaptureFixture[str]) -> None:
    @serve.deployment
    class Counting:
        def __init__(self) -> None:
            self.requests = serve.metrics.Counter("requests")

        def __call__(self) -> None:
            self.requests.inc()

    serve.start(http_options={"port": 0})
    try:
        handle = serve.run(Counting.bind())
        for _ in range(2):
            handle.remote().result(timeout_s=10)
        with urllib.request.urlopen(f"{in_process.url()}/-/metrics", timeout=10) as answer:
            shown = answer.read().decode()
    finally:
        serve.shutdown()

    [total] = [line for line in shown.splitlines() if line.startswith("requests_total{")]
    assert total.endswith("} 2.0")
    assert 'application="default",deployment="Counting",replica="' in total
    assert capsys.readouterr().out == ""

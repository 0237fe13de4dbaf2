"""A program that multiplexes, counts and logs, served by `adapter run` with its import changed."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import Run, adapter_run

PROGRAM = """
import asyncio
import logging

from adapter import serve
from adapter.serve.handle import DeploymentHandle
from adapter.serve.metrics import Counter, Histogram
from adapter.serve.schema import LoggingConfig

logger = logging.getLogger("ray.serve")


@serve.deployment(logging_config={"log_level": "DEBUG"})
class Models:
    def __init__(self):
        self.loads = Counter("loads", tag_keys=("model",))
        self.length = Histogram("text_length", "in characters", boundaries=[5, 10])

    @serve.multiplexed(max_num_models_per_replica=1)
    async def model(self, model_id: str):
        self.loads.inc(tags={"model": model_id})
        return str.upper if model_id == "upper" else str.lower

    async def __call__(self, text: str) -> str:
        model = await self.model(serve.get_multiplexed_model_id())
        self.length.observe(len(text))
        logger.debug("a text of %d", len(text))
        return model(text)


@serve.deployment(
    logging_config=LoggingConfig(encoding="JSON", additional_log_standard_attrs=["funcName"]),
)
class Gateway:
    def __init__(self, models: DeploymentHandle):
        self.models = models
        self.requests = Counter("requests", tag_keys=("route",))
        self.late = Counter("late")
        self.tasks = set()

    async def __call__(self, request) -> str:
        self.requests.inc()
        logger.info("asked for %s", request.query_params["text"])
        models = self.models.options(multiplexed_model_id=serve.get_multiplexed_model_id())
        self.tasks.add(asyncio.create_task(self.afterwards()))
        return await models.remote(request.query_params["text"])

    async def afterwards(self):
        await asyncio.sleep(0.01)
        self.late.inc()


app = Gateway.bind(Models.bind())
"""


class Served:
    """A running `adapter run`, ended before its output is read."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def get(self, path: str, model: str = "") -> str:
        """Ask over HTTP."""
        headers = {"Serve-Multiplexed-Model-Id": model} if model else {}
        request = urllib.request.Request(self.run.http_url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text: str = answer.read().decode()
        return text

    def metrics(self) -> dict[str, float]:
        """The metrics shown, by name and labels without the environment's."""
        samples = [
            line.rpartition(" ")
            for line in self.get("/-/metrics").splitlines()
            if not line.startswith("#")
        ]
        return {_without_replica(name): float(value) for name, _, value in samples}

    def printed(self, function: str) -> list[str]:
        """What a function has printed."""
        assert self.run.stop() == 0
        outputs = [record for record in self.run.records if record["type"] == "output"]
        return [record["text"] for record in outputs if record["function"] == function]


def _without_replica(name: str) -> str:
    name, _, labels = name.partition("{")
    kept = [label for label in labels.rstrip("}").split(",") if not label.startswith("replica=")]
    return f"{name}{{{','.join(kept)}}}"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "program.py").write_text(PROGRAM)
    run = adapter_run("program:app", folder=tmp_path)
    yield Served(run)
    run.stop()


def test_models_are_chosen_by_header_and_passed_on_by_handle(served: Served) -> None:
    assert served.get("/?text=Hello", model="upper") == "HELLO"
    assert served.get("/?text=Hello", model="lower") == "hello"


def test_metrics_of_all_functions_are_shown_as_text(served: Served) -> None:
    for text in ("Hello", "Hello", "Hello+World"):
        served.get(f"/?text={text}", model="upper")

    found = wait_for(served, "late_total", 3)

    models = 'application="default",deployment="Models"'
    gateway = 'application="default",deployment="Gateway"'
    assert found[f'requests_total{{{gateway},route="/"}}'] == 3
    assert found[f'loads_total{{{models},model="upper"}}'] == 1
    assert found[f'text_length_bucket{{{models},le="5.0"}}'] == 2
    assert found[f'text_length_bucket{{{models},le="+Inf"}}'] == 3
    assert found[f"text_length_sum{{{models}}}"] == 21


def wait_for(served: Served, name: str, value: float) -> dict[str, float]:
    """Ask until a metric has come to a value: a function tells after it has answered."""
    while True:
        found = served.metrics()
        if value in [shown for key, shown in found.items() if key.startswith(f"{name}{{")]:
            return found


def test_deployments_log_as_their_configs_say(served: Served) -> None:
    served.get("/?text=Hello", model="upper")

    [asked] = [line for line in served.printed("Gateway") if "asked for" in line]
    found: dict[str, Any] = json.loads(asked)
    assert (found["level"], found["message"]) == ("INFO", "asked for Hello")
    assert (found["logger"], found["funcName"]) == ("ray.serve", "__call__")
    [text] = [line for line in served.printed("Models") if "a text of 5" in line]
    assert text.startswith("[DEBUG]\t")


def test_no_metric_is_printed(served: Served) -> None:
    served.get("/?text=Hello", model="upper")

    assert not [line for line in served.printed("Models") if "_aws" in line]

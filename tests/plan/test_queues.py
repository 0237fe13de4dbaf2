from typing import Any

import pytest

from adapter import serve
from adapter.plan.graph import walk
from adapter.plan.queues import joined_queues, queue_variables
from adapter.serve.config import BackpressureConfig
from adapter.serve.deployments import Application


@serve.deployment
class Model:
    pass


@serve.deployment
class Gateway:
    def __init__(self, *handles: object) -> None:
        self.handles = handles


def told(model: Application[Any], application: str = "default") -> dict[str, str]:
    return queue_variables(walk(Gateway.bind(model), application))


def test_nothing_is_said_where_any_number_may_wait() -> None:
    assert told(Model.bind()) == {}


def test_callers_are_told_how_many_may_wait() -> None:
    assert told(Model.options(max_queued_requests=5).bind()) == {"ADAPTER_QUEUES": "Model:5"}


def test_functions_are_named_by_their_application() -> None:
    limited = Model.options(max_queued_requests=5).bind()

    assert told(limited, "shop") == {"ADAPTER_QUEUES": "shop-Model:5"}


@pytest.mark.parametrize(
    ("refusal", "entry"),
    [
        (BackpressureConfig(), "Model:1:503"),
        (BackpressureConfig(status_code=429, retry_after_s=2), "Model:1:429:2"),
        (BackpressureConfig(retry_after_s=0.5), "Model:1:503:0.5"),
    ],
)
def test_callers_are_told_how_to_refuse(refusal: BackpressureConfig, entry: str) -> None:
    limited = Model.options(max_queued_requests=1, backpressure_config=refusal)

    assert told(limited.bind()) == {"ADAPTER_QUEUES": entry}


def test_queues_of_a_stack_are_those_of_all_its_applications() -> None:
    assert joined_queues(["b-Model:1,a:2", "", "c:3:429", "a:2"]) == {
        "ADAPTER_QUEUES": "a:2,b-Model:1,c:3:429",
    }
    assert joined_queues(["", ""]) == {}

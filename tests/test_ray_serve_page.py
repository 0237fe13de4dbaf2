"""docs/ray-serve.md: every name of Ray Serve's API has a row, and refusals are quoted as raised."""

import re
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from adapter import serve
from adapter.errors import AdapterError
from adapter.plan.capacity import memory_mb
from adapter.serve.handle import DeploymentHandle, DeploymentResponse
from adapter.serve.options import DeploymentOptions
from adapter.serve.replica import DeploymentID, ReplicaContext, ReplicaID

PAGE = Path(__file__).parent.parent / "docs" / "ray-serve.md"
TEXT = PAGE.read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("| \n").split(" | ")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith(("| |", "| API", "| behaviour", "| **"))
]

# `ray.serve.__all__` in Ray 2.60, and what else its users import.
NEWEST = """
    _run _run_many batch start ControllerOptions HTTPOptions TracingConfig get_replica_context
    get_deployment_actor get_deployment_actor_context get_trace_context shutdown shutdown_async
    ingress deployment run run_many RunTarget delete Application Deployment multiplexed
    get_multiplexed_model_id status get_app_handle get_deployment_handle
    DeploymentHandle DeploymentResponse DeploymentResponseGenerator
    AutoscalingConfig BackpressureConfig ProxyLocation gRPCOptions RequestRouterConfig
    GangSchedulingConfig DeploymentActorConfig LoggingConfig
    RayServeException gRPCStatusError BackPressureError RequestCancelledError
    DeploymentUnavailableError ReplicaUnavailableError Counter Gauge Histogram
    ASGIIngressDeployment gradio_integrations
    reconfigure check_health __del__ __serve_build_asgi_app__ record_routing_stats
    record_autoscaling_stats record_replica_metadata
    bind options broadcast choose_replica dispatch cancel cancelled result rank world_size
"""
OLDER = """
    NdArray json_to_ndarray json_to_multi_ndarray starlette_request json_request image_to_ndarray
    pandas_read_json require_packages DAGDriver load_http_adapter predict predict_with_route
    get_intermediate_object_refs get_pickled_dag_node InputNode
    deploy get_handle url set_options get_deployment list_deployments
    route_prefix init_args init_kwargs max_concurrent_queries prev_version is_driver_deployment
    detached dedicated_cpu _checkpoint_path RayServeHandle RayServeSyncHandle
"""


@pytest.mark.parametrize("name", [*NEWEST.split(), *OLDER.split()])
def test_every_name_has_a_row(name: str) -> None:
    named = re.compile(rf"(?<![\w]){re.escape(name)}(?!\w)")
    in_code = [code for row in ROWS for code in re.findall(r"`([^`]+)`", row[0])]

    assert any(named.search(code) for code in in_code)


@pytest.mark.parametrize("name", sorted(DeploymentOptions._fields))
def test_every_option_of_a_deployment_has_a_row(name: str) -> None:
    if name in ("given", "lambda_options"):
        return  # not Ray's
    in_code = [code for row in ROWS for code in re.findall(r"`([^`]+)`", row[0])]

    assert any(re.fullmatch(code.replace("*", ".*"), name) for code in in_code if code[0].isalpha())


def test_every_row_says_which_of_four_it_is() -> None:
    assert {row[1] for row in ROWS} == {"works", "differs", "no effect", "refused"}
    silent = [row[0] for row in ROWS if row[1] in ("differs", "refused") and len(row) < 3]
    assert silent == []


class Ranked:
    def reconfigure(self, user_config: Any, rank: int) -> None: ...


def context() -> ReplicaContext:
    return ReplicaContext(ReplicaID("replica", DeploymentID("Model")), servable_object=None)


def run_ranked() -> None:
    serve.run(serve.deployment(Ranked).bind(), _local_testing_mode=True)


def import_status_error() -> None:
    from adapter.serve.exceptions import gRPCStatusError

    gRPCStatusError()


def respond_by_reference() -> None:
    DeploymentResponse[Any](Future())._to_object_ref_sync()


def plan_gpu() -> int:
    options = serve.deployment(Ranked).options(ray_actor_options={"num_gpus": 1})
    return memory_mb("Ranked", options.settings)


HANDLE: DeploymentHandle[Any] = DeploymentHandle("Model")
REFUSED: dict[str, Callable[[], Any]] = {
    "`ray_actor_options`: `num_gpus`": plan_gpu,
    "`reconfigure(..., rank)`": run_ranked,
    "gRPCStatusError": import_status_error,
    "`ReplicaContext.rank`": lambda: context().rank,
    "`handle.broadcast(...)`": lambda: HANDLE.broadcast("method"),
    "`handle.choose_replica()`": HANDLE.choose_replica,
    "`_to_object_ref`": respond_by_reference,
    "`version`": lambda: serve.deployment(Ranked).options(version="1"),
}


@pytest.mark.parametrize("start", REFUSED)
def test_a_refusal_is_quoted_as_it_is_raised(start: str) -> None:
    [row] = [row for row in ROWS if row[0].startswith(start) or f"`{start}`" in row[0]]
    [quoted] = re.findall(r'"([^"]+)"', row[2])

    with pytest.raises((AdapterError, ImportError)) as raised:
        REFUSED[start]()

    assert quoted in str(raised.value)


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", TEXT)

    assert targets
    assert [target for target in targets if not (PAGE.parent / target).exists()] == []

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from adapter import serve
from adapter.function import Function, entry_point
from adapter.serve.exceptions import RayServeException
from adapter.serve.replica import DeploymentID, ReplicaContext, ReplicaID


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    serve.shutdown()


def run(deployment: Any, **options: Any) -> Any:
    return serve.run(deployment.bind(), _local_testing_mode=True, **options)


@serve.deployment
class Model:
    def __init__(self) -> None:
        self.at_first = serve.get_replica_context()

    def seen(self, kind: str) -> list[Any]:
        found = self.at_first if kind == "constructor" else serve.get_replica_context()
        return [found.app_name, found.deployment, found.replica_tag, found.servable_object is self]

    async def seen_in_a_task(self) -> bool:
        return await asyncio.create_task(self._is_mine())

    async def _is_mine(self) -> bool:
        return serve.get_replica_context().servable_object is self

    def rank(self) -> Any:
        return serve.get_replica_context().rank

    def world_size(self) -> Any:
        return serve.get_replica_context().world_size


def test_a_method_knows_where_it_runs() -> None:
    handle = run(Model, name="shop")
    first, later = (handle.seen.remote(kind).result() for kind in ("constructor", "method"))

    assert later[:2] == ["shop", "Model"]
    assert first[:3] == later[:3]
    assert (first[3], later[3]) == (False, True)
    assert handle.seen_in_a_task.remote().result()


def test_every_replica_has_a_tag_of_its_own() -> None:
    tags = {run(Model).seen.remote("method").result()[2] for _ in range(2)}

    assert len(tags) == 2
    assert "" not in tags


def test_of_a_function_it_is_the_function() -> None:
    @serve.deployment
    def plain() -> bool:
        return bool(serve.get_replica_context().servable_object is plain.func_or_class)

    assert run(plain).remote().result() is True


def test_threads_of_a_function_on_lambda_know_it_too(
    monkeypatch: pytest.MonkeyPatch,
    closing: Callable[[Function], Function],
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/21/[$LATEST]4459c970")
    monkeypatch.setenv("ADAPTER_APPLICATION", "shop")
    found: list[ReplicaContext] = []

    class Threaded:
        def __call__(self) -> None:
            thread = threading.Thread(target=lambda: found.append(serve.get_replica_context()))
            thread.start()
            thread.join()

    closing(entry_point(serve.deployment(Threaded)))({"method": "__call__"})

    assert found[0].replica_id == ReplicaID("4459c970", DeploymentID("Threaded", "shop"))
    assert isinstance(found[0].servable_object, Threaded)


def test_outside_of_a_deployment_there_is_none() -> None:
    with pytest.raises(
        RayServeException,
        match=r"`serve.get_replica_context\(\)` may only be called from within a Ray Serve",
    ):
        serve.get_replica_context()


@pytest.mark.parametrize("name", ["rank", "world_size"])
def test_what_lambda_does_not_tell_is_refused_with_the_reason(name: str) -> None:
    handle = run(Model)

    with pytest.raises(RayServeException, match=f"has no {name}: Lambda starts and ends"):
        getattr(handle, name).remote().result()


def test_there_are_no_gangs_and_no_code_versions() -> None:
    found = ReplicaContext(ReplicaID("r-1", DeploymentID("Model")), None)

    assert (found.gang_context, found.code_version) == (None, None)


def test_ids_are_written_as_ray_serve_writes_them() -> None:
    replica = ReplicaID("r-1", DeploymentID("Model", "shop"))

    assert str(replica) == "Replica(id='r-1', deployment='Model', app='shop')"
    assert str(replica.deployment_id) == "Deployment(name='Model', app='shop')"
    assert replica.to_full_id_str() == "SERVE_REPLICA::shop#Model#r-1"

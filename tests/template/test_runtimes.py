import pytest

from adapter.errors import BuildError
from adapter.plan.values import Concurrency
from adapter.template.runtimes import check_runtime, runtime_notes
from tests.template.plans import application, function, gateway, settings

MANAGED = application(
    gateway(),
    function("Model", capacity_provider="models", concurrency=Concurrency(managed=True)),
)


@pytest.mark.parametrize("runtime", ["python3.11", "python3.12"])
def test_managed_instances_need_a_newer_runtime(runtime: str) -> None:
    with pytest.raises(
        BuildError, match=f"Model: Managed .* python3.13 .* is {runtime}. Give --ru"
    ):
        check_runtime(MANAGED, settings(runtime=runtime))


@pytest.mark.parametrize("runtime", ["python3.13", "python3.14"])
def test_managed_instances_run_on_newer_runtimes(runtime: str) -> None:
    check_runtime(MANAGED, settings(runtime=runtime))


def test_default_compute_runs_on_every_runtime() -> None:
    check_runtime(application(gateway()), settings(runtime="python3.11"))


@pytest.mark.parametrize(("runtime", "told"), [("python3.11", True), ("python3.12", False)])
def test_shutdown_extension_without_effect_is_told(*, runtime: str, told: bool) -> None:
    plan = application(gateway(shutdown_extension=True))

    notes = runtime_notes(plan, settings(runtime=runtime))

    assert [note.split(";")[0] for note in notes] == [
        "Gateway: shutdown_extension=True needs python3.12 or newer",
    ] * int(told)


def test_the_runtime_of_the_function_counts() -> None:
    newer = application(
        gateway(),
        function(
            "Model",
            runtime="python3.13",
            capacity_provider="models",
            concurrency=Concurrency(managed=True),
        ),
    )

    check_runtime(newer, settings(runtime="python3.11"))


def test_snapshots_need_a_newer_runtime() -> None:
    plan = application(gateway(), function("Model", snap_start=True))

    check_runtime(plan, settings(runtime="python3.12"))
    with pytest.raises(BuildError, match=r"Model: snap_start=True needs python3.12 or newer, and"):
        check_runtime(plan, settings(runtime="python3.11"))

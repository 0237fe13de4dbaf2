"""Plans through JSON and back."""

from adapter.config.plan_text import dump_plan, load_plan
from adapter.plan.values import Callee, Concurrency, FunctionUrl, RoutePlan
from tests.local.world import application_plan, function_plan


def test_a_plan_survives_the_journey() -> None:
    plan = application_plan(
        function_plan(
            "# ü\n",
            calls=("A", "B"),
            outside_calls=(Callee(deployment="C", application="other"),),
            environment={"X": "1"},
            requirements=("numpy",),
            concurrency=Concurrency(provisioned=1, maximum=2, scales=True, target_utilization=0.5),
            url=FunctionUrl(streams=True, public=True),
            notes=("note",),
        ),
        function_plan(name="B", is_ingress=False),
        route_prefix=None,
        routes=(RoutePlan(methods=("GET", "POST"), path="/{id}", function="Echo"),),
    )

    assert load_plan(dump_plan(plan)) == plan

import pytest

from adapter.cost.load import ByName, Load, invocations
from adapter.errors import InvalidOption
from adapter.plan.values import StackPlan
from tests.template.plans import application, function, gateway, stack


def counts(plan: StackPlan, **calls: float) -> dict[str, float]:
    load = Load(requests=100, duration_ms=ByName(everywhere=1), calls=ByName(named=calls))
    return invocations(plan, load)


def test_a_request_makes_one_call_along_each_handle() -> None:
    plan = application(
        gateway(calls=("Keywords", "Sentiment")), function("Keywords"), function("Sentiment")
    )

    assert counts(plan) == {"Gateway": 100, "Keywords": 100, "Sentiment": 100}


def test_a_call_goes_on_to_what_the_callee_calls() -> None:
    plan = application(
        gateway(calls=("A", "B")),
        function("A", calls=("C",)),
        function("B", calls=("C",)),
        function("C", calls=("D",)),
        function("D"),
    )

    assert counts(plan) == {"Gateway": 100, "A": 100, "B": 100, "C": 200, "D": 200}


def test_what_is_said_of_a_deployment_counts_for_all_its_callers_and_goes_on() -> None:
    plan = application(
        gateway(calls=("A", "B")),
        function("A", calls=("C",)),
        function("B", calls=("C",)),
        function("C", calls=("D",)),
        function("D"),
    )

    assert counts(plan, C=0.5) == {"Gateway": 100, "A": 100, "B": 100, "C": 50, "D": 50}
    assert counts(plan, A=0, B=3)["C"] == 300


def test_a_circle_of_handles_ends() -> None:
    plan = application(gateway(calls=("A",)), function("A", calls=("A", "Gateway")))

    assert counts(plan) == {"Gateway": 200, "A": 200}
    assert counts(plan, A=1) == {"Gateway": 200, "A": 100}
    assert counts(plan, Gateway=0, A=1) == {"Gateway": 100, "A": 100}


def test_a_function_that_nobody_calls_costs_nothing_but_idle() -> None:
    assert counts(application(gateway(), function("Alone")))["Alone"] == 0


def test_each_application_gets_the_requests_and_calls_of_others_come_on_top() -> None:
    shop = application(gateway(calls=("Prices",)))
    hidden = application(function("Prices", is_ingress=True), name="prices", route_prefix=None)
    batch = application(function("Batch", is_ingress=True), name="batch", route_prefix=None)

    assert counts(stack(shop, hidden, batch)) == {"Gateway": 100, "Prices": 100, "Batch": 100}


def test_a_deployment_that_is_not_there_is_refused_with_a_suggestion() -> None:
    load = Load(requests=1, duration_ms=ByName(everywhere=1), calls=ByName(named={"Modle": 2}))

    with pytest.raises(InvalidOption, match=r"--calls Modle=.*no deployment 'Modle'. Did you mean"):
        load.refuse_unknown(application(gateway(), function("Model")))


def test_a_shared_function_is_spoken_of_by_its_own_name() -> None:
    plan = application(function("api", deployment="Gateway", hosts=("Model",), is_ingress=True))
    load = Load(requests=1, duration_ms=ByName(named={"Model": 2}))

    with pytest.raises(InvalidOption, match=r"--duration Model=.*shares the function 'api'"):
        load.refuse_unknown(plan)
    assert counts(plan) == {"api": 100}

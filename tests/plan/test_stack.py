"""Applications that are deployed together."""

from dataclasses import replace

import pytest

from adapter.errors import PlanError
from adapter.plan.stack import stack_plan
from tests.plan.programs import Program

CALLER = """
@serve.deployment
class Gateway:
    async def __call__(self, request):
        prices = serve.get_deployment_handle("Prices", "billing")
        stock = serve.get_deployment_handle("Stock", "warehouse")
        return await prices.remote()

app = Gateway.bind()
"""
CALLEE = """
@serve.deployment(num_replicas=2)
class Prices:
    def __call__(self):
        return 1

app = Prices.bind()
"""


def test_a_handle_to_an_application_of_the_stack_is_a_call(program: Program) -> None:
    shop = program.plan(CALLER, name="shop", route_prefix="/shop")
    program.forget()
    billing = program.plan(CALLEE, name="billing", route_prefix="/billing")
    stack = stack_plan([shop, billing])

    gateway = stack.function("shop-Gateway")
    assert gateway.calls == ("billing-Prices",)
    assert gateway.outside_calls == ()
    assert gateway.notes == (
        (
            "Gateway: asks for a handle to 'Stock' of application 'warehouse', which is not in the "
            "stack."
        ),
    )
    assert [plan.name for plan in stack.applications] == ["shop", "billing"]


def test_a_handle_out_of_the_stack_is_noted(program: Program) -> None:
    stack = stack_plan([program.plan(CALLER)])

    assert stack.functions[0].calls == ()
    assert [note.split("handle to ")[1] for note in stack.all_notes] == [
        "'Prices' of application 'billing', which is not in the stack.",
        "'Stock' of application 'warehouse', which is not in the stack.",
    ]


def test_functions_that_would_share_a_name_are_refused(program: Program) -> None:
    first = program.plan(CALLEE.replace("num_replicas=2", "name='c'"), name="a-b")
    program.forget()
    second = program.plan(CALLEE.replace("num_replicas=2", "name='b-c'"), name="a")

    with pytest.raises(PlanError) as caught:
        stack_plan([first, second])
    assert str(caught.value) == (
        "deployments 'c' of application 'a-b' and 'b-c' of application 'a' would both become the "
        "folder functions/a_b_c. Rename one with .options(name=...)."
    )


def test_entry_points_of_a_stack_have_one_name(program: Program) -> None:
    first = program.plan(CALLEE)
    program.forget()
    second = program.plan(CALLEE, name="other", route_prefix="/other")
    hidden = replace(second.functions[0], module="entry_point")
    stack = stack_plan([first, replace(second, functions=(hidden,))])

    assert {function.handler for function in stack.functions} == {"entry_point.handler"}


def test_what_is_planned_in_one_process_stands_alone(program: Program) -> None:
    plan = program.plan(CALLEE)
    stack = stack_plan([plan])

    assert stack.applications == (plan,)
    assert stack.target == plan.target

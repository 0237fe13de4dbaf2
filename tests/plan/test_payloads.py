from adapter.plan.stack import stack_plan
from tests.plan.programs import Program

CALLER = """
@serve.deployment(
    max_queued_requests=3,
    lambda_options=serve.LambdaOptions(large_payloads=True),
)
class Gateway:
    async def __call__(self, request):
        return await serve.get_deployment_handle("Prices", "billing").remote()

app = Gateway.bind()
"""
CALLEE = """
@serve.deployment
class Taxes:
    def __call__(self):
        return 1

@serve.deployment(max_queued_requests=5)
class Prices:
    def __init__(self, taxes):
        self.taxes = taxes

    def __call__(self):
        return 1

app = Prices.bind(Taxes.bind())
"""


def test_who_is_called_with_large_payloads_can_read_them(program: Program) -> None:
    shop = program.plan(CALLER, name="shop", route_prefix="/shop")
    program.forget()
    billing = program.plan(CALLEE, name="billing", route_prefix="/billing")
    stack = stack_plan([shop, billing])

    large = [function.name for function in stack.functions if function.large_payloads]
    assert large == ["shop-Gateway", "billing-Prices"]


def test_queues_of_other_applications_are_told(program: Program) -> None:
    shop = program.plan(CALLER, name="shop", route_prefix="/shop")
    program.forget()
    billing = program.plan(CALLEE, name="billing", route_prefix="/billing")
    stack = stack_plan([shop, billing])

    told = {function.environment["ADAPTER_QUEUES"] for function in stack.functions}
    assert told == {"billing-Prices:5,shop-Gateway:3"}

"""Deployments that share a function are planned as one."""

import pytest

from adapter.errors import PlanError
from adapter.plan.stack import stack_plan
from adapter.plan.target import plan_target
from adapter.plan.values import ApplicationPlan, FunctionPlan
from tests.plan.programs import Program

PROGRAM = """
    from adapter.serve import DeploymentHandle, LambdaOptions

    @serve.deployment
    class Ner:
        def __init__(self, model="small"): ...
        def __call__(self, text): return text
        def ask(self): return serve.get_deployment_handle("Other")

    @serve.deployment
    class Sentiment:
        def __call__(self, text): return text

    @serve.deployment
    class Other:
        def __call__(self, text): return text

    @serve.deployment
    class Gateway:
        def __init__(self, *models): ...
        async def __call__(self, request): return "hi"

    def on_lambda(deployment, **options):
        return deployment.options(lambda_options=LambdaOptions(**options))

"""


def planned(program: Program, app: str) -> ApplicationPlan:
    return program.plan(f"{PROGRAM}\n    app = {app}\n")


def models(program: Program, ner: str = "", sentiment: str = "") -> FunctionPlan:
    """Plan Ner and Sentiment in one function, with further options of Deployment.options."""
    plan = planned(
        program,
        f"""Gateway.bind(
        Ner.options(lambda_options=LambdaOptions(function="models"{ner}).bind(),
        Sentiment.options(lambda_options=LambdaOptions(function="models"{sentiment}).bind(),
    )""",
    )
    return plan.function("models")


def test_one_function_of_the_name_that_they_give_it(program: Program) -> None:
    function = models(program, ")", ")")

    assert (function.name, function.folder, function.logical_id) == ("models", "models", "Models")
    assert (function.deployment, function.hosts) == ("Ner", ("Sentiment",))
    assert function.title == "models (Ner, Sentiment)"


def test_the_entry_point_binds_them_all_callees_first(program: Program) -> None:
    plan = planned(
        program,
        """on_lambda(Gateway, function="api").bind(
        on_lambda(Ner, function="api").options(max_ongoing_requests=1).bind("large"),
    )""",
    )

    assert plan.functions[0].entry_point == (
        '"""Entry point of deployments Gateway and Ner. '
        'Written by `adapter build program:app`."""\n\n'
        "from adapter.function import shared_entry_point\n"
        "from adapter.serve import DeploymentHandle\n"
        "from program import Gateway, Ner\n\n"
        "handler = shared_entry_point(\n"
        '    Ner.options(max_ongoing_requests=1).bind("large"),\n'
        '    Gateway.bind(DeploymentHandle("Ner")),\n'
        '    default="Gateway",\n'
        ")\n"
    )


def test_a_bare_class_is_made_a_deployment(program: Program) -> None:
    plan = program.plan(
        """
        class Model: ...
        class Other: ...
        here = serve.LambdaOptions(function="both")
        app = serve.deployment(Model).options(lambda_options=here).bind(
            serve.deployment(Other).options(lambda_options=here).bind(),
        )
        """
    )

    assert (
        "    deployment(Other).bind(),\n    app.deployment.bind(" in plan.functions[0].entry_point
    )


def test_a_shared_ingress_is_what_http_reaches(program: Program) -> None:
    plan = planned(
        program,
        'on_lambda(Gateway, function="api").bind(on_lambda(Ner, function="api").bind())',
    )

    assert [function.name for function in plan.functions] == ["api"]
    assert plan.ingress == "api"
    assert plan.functions[0].is_ingress
    assert plan.functions[0].deployment == "Gateway"
    assert [route.function for route in plan.routes] == ["api"]


def test_calls_within_vanish_and_calls_out_are_those_of_all(program: Program) -> None:
    plan = planned(
        program,
        """on_lambda(Gateway, function="api").bind(
        on_lambda(Ner, function="api").bind(), Sentiment.bind(), Other.bind(),
    )""",
    )

    assert plan.function("api").calls == ("Other", "Sentiment")


def test_callers_are_told_where_deployments_are(program: Program) -> None:
    plan = planned(
        program,
        """Gateway.bind(
        on_lambda(Ner, function="models").bind(), on_lambda(Sentiment, function="models").bind(),
    )""",
    )

    assert plan.function("Gateway").calls == ("models",)
    assert plan.function("Gateway").environment["ADAPTER_SHARED"] == "Ner:models,Sentiment:models"


def test_nobody_is_told_anything_where_nothing_is_shared(program: Program) -> None:
    plan = planned(program, "Gateway.bind(Ner.bind(), Other.bind())")

    assert all("ADAPTER_SHARED" not in function.environment for function in plan.functions)


def test_applications_of_a_stack_are_told_of_each_others(program: Program) -> None:
    first = program.plan(
        f"""{PROGRAM}
    app = on_lambda(Gateway, function="api").bind(on_lambda(Ner, function="api").bind())
    """,
        name="shop",
        route_prefix="/shop",
    )
    program.write(
        caller="""
        from adapter import serve

        @serve.deployment
        class Caller:
            def __call__(self):
                return serve.get_deployment_handle("Ner", "shop")

        app = Caller.bind()
        """
    )
    second = plan_target("caller:app", app_dir=program.folder)
    stack = stack_plan([first, second])

    caller = stack.function("Caller")
    assert caller.calls == ("shop-api",)
    assert caller.environment["ADAPTER_SHARED"] == "shop-Gateway:shop-api,shop-Ner:shop-api"
    assert caller.notes == ()


def test_a_single_deployment_may_name_its_function(program: Program) -> None:
    plan = planned(program, 'Gateway.bind(on_lambda(Ner, function="models").bind())')

    assert plan.function("models").hosts == ()
    assert "entry_point(Ner)" in plan.function("models").entry_point
    assert plan.function("Gateway").environment["ADAPTER_SHARED"] == "Ner:models"


def test_memory_is_the_largest(program: Program) -> None:
    assert models(program, ", memory_mb=1024)", ", memory_mb=3008)").memory_mb == 3008


def test_cpus_count_as_memory(program: Program) -> None:
    function = models(program, ')).options(ray_actor_options={"num_cpus": 2}', ", memory_mb=1024)")

    assert function.memory_mb == 3538


def test_one_of_them_may_say_what_is_said_for_all(program: Program) -> None:
    function = models(program, ", timeout_s=60)", ", tracing=True)")

    assert (function.timeout_s, function.tracing) == (60, True)


def test_variables_requirements_and_policies_are_those_of_all(program: Program) -> None:
    ner = ', environment={"AA": "1"}, policies=("ReadOnlyAccess",))'
    environment = '{"pip": ["numpy==2.0", "torch"], "env_vars": {"BB": "2"}}'
    policies = ', policies=("ReadOnlyAccess", "AWSXRayDaemonWriteAccess")'
    sentiment = f'{policies})).options(ray_actor_options={{"runtime_env": {environment}}}'
    function = models(program, ner, sentiment)

    assert {"AA": "1", "BB": "2"}.items() <= function.environment.items()
    assert function.requirements == ("numpy==2.0", "torch")
    assert function.policies == ("ReadOnlyAccess", "AWSXRayDaemonWriteAccess")


@pytest.mark.parametrize(
    ("ner", "sentiment", "why"),
    [
        (", timeout_s=60)", ", timeout_s=90)", "timeout_s is 60 for the one and 90"),
        (
            ', environment={"AA": "1"})',
            ', environment={"AA": "2"})',
            r"environment\['AA'\] is '1' for the one and '2'",
        ),
        (
            ', secrets={"KEY": "ssm:/a"})',
            ', secrets={"KEY": "ssm:/b"})',
            r"secrets\['KEY'\] is 'ssm:/a' for the one and 'ssm:/b'",
        ),
        (
            ")).options(num_replicas=2",
            ")).options(num_replicas=3",
            "num_replicas or autoscaling_config is 2 and None for the one and 3 and None",
        ),
        (
            ')).options(ray_actor_options={"runtime_env": {"pip": ["Num_Py==1"]}}',
            ')).options(ray_actor_options={"runtime_env": {"pip": ["num-py==2"]}}',
            r"runtime_env\['pip'\] is 'Num_Py==1' for the one and 'num-py==2'",
        ),
        (', architecture="arm64")', ', architecture="x86_64")', "architecture is 'arm64'"),
        (', package="image")', ', layers=("arn:aws:lambda:eu-west-1:1:layer:a:1",))', "layers"),
    ],
)
def test_what_contradicts_is_refused(program: Program, ner: str, sentiment: str, why: str) -> None:
    with pytest.raises(PlanError, match=why) as refused:
        models(program, ner, sentiment)

    assert "Ner" in str(refused.value)
    assert "Sentiment" in str(refused.value)
    assert "'models'" in str(refused.value)


def test_only_the_main_deployment_has_a_url(program: Program) -> None:
    assert models(program, ', url="buffered")', ")").url is not None
    program.forget()
    with pytest.raises(PlanError, match=r"Sentiment: url='buffered'.*whose requests Ner answers"):
        models(program, ")", ', url="buffered")')


def test_only_the_main_deployment_has_events(program: Program) -> None:
    with pytest.raises(PlanError, match=r"Sentiment: events.*whose events Ner handles"):
        models(program, ")", ', events=(serve.SQSQueue(queue="jobs"),))')


def test_a_bound_on_inner_calls_needs_no_managed_instances(program: Program) -> None:
    function = models(program, ")", ")).options(max_ongoing_requests=20")

    assert not [note for note in function.notes if "max_ongoing_requests" in note]


def test_managed_instances_take_as_many_as_the_most_of_them(program: Program) -> None:
    function = models(
        program,
        ', capacity_provider="cp")).options(max_ongoing_requests=2',
        ")).options(max_ongoing_requests=30",
    )

    assert function.max_concurrency == 30


def test_a_deployment_called_as_the_function_of_others_is_refused(program: Program) -> None:
    with pytest.raises(PlanError, match=r'let both have LambdaOptions\(function="Other"\)'):
        planned(
            program,
            """Gateway.bind(
            on_lambda(Ner, function="Other").bind(),
            on_lambda(Sentiment, function="Other").bind(),
            Other.bind(),
        )""",
        )

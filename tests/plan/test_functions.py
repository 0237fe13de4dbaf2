import pytest

from adapter.errors import PlanError
from adapter.plan.values import Concurrency, FunctionPlan
from tests.plan.programs import MODEL, Program


def test_function_plan_is_whole(program: Program) -> None:
    plan = program.plan(
        """
        @serve.deployment(
            autoscaling_config={"min_replicas": 0, "max_replicas": 20},
            max_ongoing_requests=3,
            ray_actor_options={
                "num_cpus": 1,
                "runtime_env": {"pip": ["numpy==2"], "env_vars": {"BB": "2", "AA": 1}},
            },
            lambda_options=serve.LambdaOptions(
                timeout_s=60,
                ephemeral_storage_mb=1024,
                environment={"CC": "3"},
                exec_wrapper=False,
            ),
        )
        class Model:
            def __call__(self): ...

        @serve.deployment
        class gateway:
            def __init__(self, model): ...
            def __call__(self, request): ...

        app = gateway.bind(Model.bind())
        """,
        route_prefix="/api",
    )

    assert plan.function("Model") == FunctionPlan(
        name="Model",
        deployment="Model",
        application="default",
        is_ingress=False,
        folder="model",
        logical_id="Model",
        entry_point=(
            '"""Entry point of deployment Model. Written by `adapter build program:app`."""\n'
            "\n"
            "from adapter.function import entry_point\n"
            "from program import Model\n"
            "\n"
            "handler = entry_point(Model)\n"
        ),
        environment={
            "AA": "1",
            "ADAPTER_APPLICATION": "default",
            "ADAPTER_INGRESS": "gateway",
            "BB": "2",
            "CC": "3",
        },
        requirements=("numpy==2",),
        memory_mb=1769,
        timeout_s=60,
        ephemeral_storage_mb=1024,
        exec_wrapper=False,
        concurrency=Concurrency(maximum=20),
        max_ongoing_requests=3,
        notes=plan.function("Model").notes,
    )
    variables = list(plan.function("Model").environment)
    assert variables == sorted(variables)
    assert plan.function("gateway").environment["ADAPTER_ROUTE_PREFIX"] == "/api"
    assert plan.function("gateway").calls == ("Model",)
    assert plan.function("gateway").is_ingress


def test_ingress_comes_first_and_the_others_by_name(program: Program) -> None:
    plan = program.plan(
        MODEL + "one, two = (Model.options(name=n).bind() for n in 'BA')\n"
        "app = Model.bind(one, two)\n",
    )

    assert [function.name for function in plan.functions] == ["Model", "A", "B"]
    assert plan.ingress == "Model"
    assert plan.functions[0].calls == ("A", "B")


def test_names_of_another_application_carry_its_name(program: Program) -> None:
    source = MODEL + "app = Model.bind(Model.options(name='Other').bind())\n"
    plan = program.plan(source, name="shop")

    assert [function.name for function in plan.functions] == ["shop-Model", "shop-Other"]
    assert [function.deployment for function in plan.functions] == ["Model", "Other"]
    assert plan.functions[0].calls == ("shop-Other",)
    assert plan.functions[0].environment["ADAPTER_INGRESS"] == "Model"
    assert '"Other", "shop"' in plan.functions[0].entry_point


def test_notes_name_handles_to_nothing(program: Program) -> None:
    plan = program.plan(
        """
        @serve.deployment(lambda_options=serve.LambdaOptions(calls=("Declared", "app")))
        def app_(): return serve.get_deployment_handle("Missing")

        app = app_.options(name="app").bind()
        """,
    )

    assert plan.functions[0].calls == ("app",)
    assert plan.functions[0].notes == (
        "app: asks for a handle to 'Missing', which is not in the application.",
        "app: asks for a handle to 'Declared', which is not in the application.",
    )


def test_function_on_managed_instances(program: Program) -> None:
    plan = program.plan(
        """
        @serve.deployment(
            num_replicas=2,
            max_ongoing_requests=20,
            lambda_options=serve.LambdaOptions(capacity_provider="models"),
        )
        def gateway(): ...

        app = gateway.bind()
        """,
    )

    [function] = plan.functions
    assert function.capacity_provider == "models"
    assert function.max_concurrency == 20
    assert function.concurrency == Concurrency(provisioned=2, maximum=2, managed=True)
    assert function.memory_mb == 2048
    assert function.notes == ()


def test_managed_instances_need_our_loop(program: Program) -> None:
    with pytest.raises(PlanError, match="gateway: capacity_provider with exec_wrapper=False: AWS"):
        program.plan(
            """
            options = serve.LambdaOptions(capacity_provider="models", exec_wrapper=False)

            @serve.deployment(lambda_options=options)
            def gateway(): ...

            app = gateway.bind()
            """,
        )


def test_function_is_told_how_to_log(program: Program) -> None:
    plan = program.plan(
        """
        config = {"encoding": "JSON", "log_level": "ERROR", "logs_dir": "/logs",
                  "additional_log_standard_attrs": ["name"]}

        @serve.deployment(logging_config=config)
        def Model(): ...

        @serve.deployment(logging_config=serve.schema.LoggingConfig(log_level="DEBUG"))
        class Gateway:
            def __init__(self, model): ...

        app = Gateway.bind(Model.bind())
        """,
    )

    model, gateway = plan.function("Model"), plan.function("Gateway")
    assert (model.log_format, model.log_level) == ("JSON", "ERROR")
    assert model.environment["ADAPTER_LOG_ATTRIBUTES"] == "name"
    assert model.notes == ("Model: logging_config['logs_dir'] has no meaning on Lambda.",)
    assert (gateway.log_format, gateway.environment["ADAPTER_LOG_LEVEL"]) == ("Text", "DEBUG")
    assert not [note for note in gateway.notes if "logging_config" in note]


def test_settings_of_http_where_no_request_comes_are_told(program: Program) -> None:
    plan = program.plan(
        """
        options = serve.LambdaOptions(raise_errors=True, trusted_hops=1, max_body_bytes=9)

        @serve.deployment(lambda_options=options)
        def Model(): ...

        @serve.deployment
        class gateway:
            def __init__(self, model): ...
            def __call__(self, request): ...

        app = gateway.bind(Model.bind())
        """,
    )

    assert [note.split()[1] for note in plan.function("Model").notes] == [
        "max_body_bytes=9",
        "raise_errors=True",
        "trusted_hops=1",
    ]


@pytest.mark.parametrize(
    ("url", "notes"),
    [
        (None, ["Model: request_timeout_s=5 has no effect; it bounds HTTP requests, which reach "]),
        ("buffered", []),
    ],
)
def test_request_timeout_where_no_request_comes_is_told(
    program: Program,
    url: str | None,
    notes: list[str],
) -> None:
    plan = program.plan(
        f"""
        @serve.deployment(lambda_options=serve.LambdaOptions(request_timeout_s=5, url={url!r}))
        def Model(): ...

        @serve.deployment
        class gateway:
            def __init__(self, model): ...
            def __call__(self, request): ...

        app = gateway.bind(Model.bind())
        """,
    )

    assert [note.partition("gateway")[0] for note in plan.function("Model").notes] == notes


def test_large_payloads_of_one_deployment_are_those_of_the_application(program: Program) -> None:
    source = """
    @serve.deployment
    class Model:
        pass

    @serve.deployment
    class Gateway:
        def __init__(self, model): ...
        def __call__(self, request): ...

    app = Gateway.bind(MODEL.bind())
    """
    options = "Model.options(lambda_options=serve.LambdaOptions(large_payloads=True))"
    without = program.plan(source.replace("MODEL", "Model"))
    program.forget()
    plan = program.plan(source.replace("MODEL", options))

    assert {function.large_payloads for function in without.functions} == {False}
    assert {function.large_payloads for function in plan.functions} == {True}

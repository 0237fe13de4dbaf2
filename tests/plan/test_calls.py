import pytest

from adapter.plan.calls import literal_calls
from adapter.plan.values import Callee
from tests.plan.programs import Program

MODELS = """
from adapter import serve

@serve.deployment
class Model:
    def __call__(self): ...

Other = Model.options(name="Other")
"""


def calls(program: Program, source: str, **settings: str) -> tuple[str, ...]:
    """Plan a program whose ingress is `Gateway`; Model and Other are in the application too."""
    program.write(models=MODELS)
    plan = program.plan(
        f"from models import Model, Other\n{source}\n"
        "\nif not hasattr(Gateway, 'bind'):\n    Gateway = serve.deployment(Gateway)\n"
        "\n@serve.deployment\nclass Root:\n    def __init__(self, *a): ...\n"
        "\napp = Root.bind(Gateway.bind(), Model.bind(), Other.bind())\n",
        **settings,
    )
    prefix = f"{settings['name']}-" if settings else ""
    return plan.function(f"{prefix}Gateway").calls


@pytest.mark.parametrize(
    "expression",
    [
        'serve.get_deployment_handle("Model")',
        'serve.get_deployment_handle("Model", "default")',
        'serve.get_deployment_handle("Model", app_name="default")',
        'serve.get_deployment_handle(deployment_name="Model")',
        'get_deployment_handle("Model")',
        'serve.get_deployment_handle("Model").predict.remote(1)',
        'adapter.serve.get_deployment_handle("Model", _check_exists=False)',
    ],
)
def test_literal_handle_in_the_class_is_a_call(program: Program, expression: str) -> None:
    source = f"class Gateway:\n    def method(self):\n        return {expression}\n"

    assert calls(program, source) == ("Model",)


@pytest.mark.parametrize(
    "expression",
    [
        "serve.get_deployment_handle(name)",
        "serve.get_deployment_handle()",
        'serve.get_deployment_handle("Model", application)',
        'serve.get_app_handle("Model")',
        "\"get_deployment_handle('Model')\"",
    ],
)
def test_what_is_not_literal_is_not_guessed(program: Program, expression: str) -> None:
    source = (
        f"class Gateway:\n    def method(self, name, application):\n        return {expression}\n"
    )

    assert calls(program, source) == ()


@pytest.mark.parametrize(
    "expression",
    [
        'serve.get_app_handle("default")',
        'serve.get_app_handle(name="default")',
        'get_app_handle("default").predict.remote(1)',
    ],
)
def test_the_handle_to_its_own_application_is_a_call_of_the_ingress(
    program: Program,
    expression: str,
) -> None:
    source = f"class Gateway:\n    def method(self):\n        return {expression}\n"

    assert calls(program, source) == ("Root",)


def test_the_ingress_of_a_named_application_has_its_name(program: Program) -> None:
    source = 'class Gateway:\n    def method(self):\n        return serve.get_app_handle("shop")\n'

    assert calls(program, source, name="shop") == ("shop-Root",)
    assert calls(program, source) == ()


def test_a_handle_to_an_application_that_only_running_it_tells_is_pointed_at(
    program: Program,
) -> None:
    plan = program.plan(
        "@serve.deployment\nclass Gateway:\n    def method(self, name):\n"
        '        serve.get_app_handle("default")\n'
        "        return serve.get_app_handle(name)\n\napp = Gateway.bind()\n",
    )

    assert plan.function("Gateway").dynamic_handles == ("program.py:6",)


def test_functions_that_the_class_names_are_followed(program: Program) -> None:
    source = """
def other():
    return serve.get_deployment_handle("Other")

def model(function=other):
    return [serve.get_deployment_handle("Model"), model]

def unused():
    return serve.get_deployment_handle("Root")

class Neighbour:
    def method(self):
        return serve.get_deployment_handle("Root")

class Gateway:
    def method(self):
        return model(), Neighbour
"""

    assert calls(program, source) == ("Model", "Other")


def test_factory_and_its_dependencies_are_followed(program: Program) -> None:
    source = """
from fastapi import Depends, FastAPI

def model():
    return serve.get_deployment_handle("Model")

def factory():
    app = FastAPI()

    def other():
        return serve.get_deployment_handle("Other", "default")

    @app.get("/")
    async def root(a=Depends(model), b=Depends(other)): ...

    return app

Gateway = serve.deployment(name="Gateway")(serve.ingress(factory)())
"""

    assert calls(program, source) == ("Model", "Other")


def test_functions_beside_the_routes_of_an_application_are_followed(program: Program) -> None:
    program.write(
        routers="""
        from fastapi import APIRouter, Depends
        from adapter import serve

        router = APIRouter()

        def model():
            return serve.get_deployment_handle("Model")

        @router.get("/")
        def root(model=Depends(model)): ...
        """,
    )
    source = """
from fastapi import Depends, FastAPI
from routers import router

app = FastAPI()
app.include_router(router, prefix="/v1")

def other():
    return serve.get_deployment_handle("Other")

@app.get("/")
def root(other=Depends(other)): ...

@serve.ingress(app)
class Gateway: ...
"""

    assert calls(program, source) == ("Model", "Other")


def test_other_deployments_of_a_module_call_for_themselves(program: Program) -> None:
    source = """
@serve.deployment
class Neighbour:
    def method(self):
        return serve.get_deployment_handle("Other")

@serve.deployment
class Gateway:
    def method(self):
        return serve.get_deployment_handle("Model")
"""

    assert calls(program, source) == ("Model",)


def test_function_deployment_is_followed(program: Program) -> None:
    source = "def Gateway():\n    return serve.get_deployment_handle('Model')\n"

    assert calls(program, source) == ("Model",)


def test_call_carries_the_name_of_its_application(program: Program) -> None:
    source = (
        "class Gateway:\n    def method(self):\n        return get_deployment_handle('Model')\n"
    )

    assert calls(program, source, name="shop") == ("shop-Model",)


def test_handle_to_another_application_is_left_to_the_stack(program: Program) -> None:
    plan = program.plan(
        """
        @serve.deployment
        def app_():
            return serve.get_deployment_handle("Price", "billing")

        app = app_.options(name="app").bind()
        """,
    )

    assert plan.functions[0].calls == ()
    assert plan.functions[0].outside_calls == (Callee(deployment="Price", application="billing"),)


def test_composition_of_ray_serves_guide_needs_one_permission(program: Program) -> None:
    plan = program.plan(
        """
        from fastapi import Depends, FastAPI

        @serve.deployment
        class ModelDeployment:
            def __call__(self, data: str):
                return f"Processed: {data}"

        def fastapi_factory():
            app = FastAPI()

            def get_model_handle():
                return serve.get_deployment_handle("ModelDeployment", "default")

            @app.post("/predict")
            async def predict(
                data: str,
                model: serve.DeploymentHandle = Depends(get_model_handle)
            ):
                result = await model.remote(data)
                return {"prediction": result}

            return app

        @serve.deployment
        @serve.ingress(fastapi_factory)
        class APIGateway:
            def __init__(self, model_deployment):
                self.model_deployment = model_deployment

        model = ModelDeployment.options(name="ModelDeployment")
        gateway = APIGateway.bind(model.bind())
        """,
        "program:gateway",
    )

    assert [(function.name, function.calls) for function in plan.functions] == [
        ("APIGateway", ("ModelDeployment",)),
        ("ModelDeployment", ()),
    ]


@pytest.mark.parametrize("func_or_class", [len, type("Gateway", (), {"__module__": "nowhere"})])
def test_code_without_a_source_asks_for_nothing(func_or_class: object) -> None:
    assert literal_calls(func_or_class, "default", "Root") == ()


@pytest.mark.parametrize(
    "expression",
    [
        "serve.get_deployment_handle(name)",
        "serve.get_deployment_handle(deployment_name=name)",
        'serve.get_deployment_handle("Model", name)',
        'serve.get_deployment_handle("Model", app_name=name)',
        "get_deployment_handle(f'Model{1}')",
    ],
)
def test_a_handle_by_a_name_made_at_run_time_is_noted_with_its_line(
    program: Program,
    expression: str,
) -> None:
    plan = program.plan(
        "@serve.deployment\n"
        "class Gateway:\n"
        "    def method(self, name):\n"
        f"        return {expression}\n"
        "\napp = Gateway.bind()\n",
    )

    assert plan.function("Gateway").dynamic_handles == ("program.py:5",)


@pytest.mark.parametrize(
    ("options", "expression"),
    [
        ("", 'serve.get_deployment_handle("Gateway")'),
        (
            'lambda_options=serve.LambdaOptions(calls=("Gateway",))',
            "serve.get_deployment_handle(name)",
        ),
    ],
    ids=["literal", "said"],
)
def test_a_handle_whose_deployment_is_known_is_not_noted(
    program: Program,
    options: str,
    expression: str,
) -> None:
    plan = program.plan(
        f"@serve.deployment({options})\n"
        "class Gateway:\n"
        "    def method(self, name):\n"
        f"        return {expression}\n"
        "\napp = Gateway.bind()\n",
    )

    assert plan.function("Gateway").dynamic_handles == ()


def test_silenced_checks_reach_the_plan(program: Program) -> None:
    plan = program.plan(
        '@serve.deployment(lambda_options=serve.LambdaOptions(ignore_checks=("A207",)))\n'
        "class Gateway: ...\n"
        "\napp = Gateway.bind()\n",
    )

    assert plan.function("Gateway").ignore_checks == ("A207",)

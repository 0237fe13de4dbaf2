from collections.abc import Callable

import pytest

from adapter.errors import PlanError
from adapter.function import Function
from tests.plan.programs import Program, run

Closing = Callable[[Function], Function]

MODEL = """
from adapter import serve

class Plain:
    def __init__(self, *args):
        self.config = None

    def reconfigure(self, config):
        self.config = config

    def read(self):
        return self.config

@serve.deployment
class Model(Plain):
    class Inner(Plain):
        pass

Fast = Model.options(name="Fast", user_config={"a": 1})
"""


@pytest.mark.parametrize(
    ("source", "imported", "expression"),
    [
        # the deployment, where it is defined
        ("from models import Model\napp = Model.bind()", "from models import Model", "Model"),
        ("import models\napp = models.Model.bind()", "from models import Model", "Model"),
        ("import models\napp = models.Fast.bind()", "from models import Fast", "Fast"),
        # another name, another configuration
        (
            "import models\napp = models.Model.options(name='Other').bind()",
            *("from models import Model", 'Model.options(name="Other")'),
        ),
        (
            "import models\napp = models.Model.options(user_config={'b': 2}).bind()",
            *("from models import Model", 'Model.options(user_config={"b": 2})'),
        ),
        (
            "import models\napp = models.Model.options(health_check_period_s=1.5).bind()",
            *("from models import Model", "Model.options(health_check_period_s=1.5)"),
        ),
        # where it is defined goes before a shorter expression: less is imported
        (
            "import models\nHere = models.Model.options(name='Here')\napp = Here.bind()",
            *("from models import Model", 'Model.options(name="Here")'),
        ),
        # an undecorated class
        (
            "import models\napp = serve.deployment(models.Plain).bind()",
            *("from models import Plain", "Plain"),
        ),
        (
            "import models\napp = serve.deployment(name='Other')(models.Plain).bind()",
            *("from models import Plain", 'deployment(name="Other")(Plain)'),
        ),
        # several names in one module: the one that needs nothing added
        (
            "@serve.deployment\nclass A: ...\nB = A.options(name='B')\napp = B.bind()",
            *("from program import B", "B"),
        ),
        (
            "class A: ...\nD = serve.deployment(user_config=[1])(A)\napp = D.bind()",
            *("from program import D", "D"),
        ),
        # inline in the bound application
        (
            "class A: ...\napp = serve.deployment(name='B')(A).bind()",
            *("from program import app", "app.deployment"),
        ),
        # nested classes
        (
            "import models\nD = serve.deployment(models.Model.func_or_class.Inner)\napp = D.bind()",
            *("from program import D", "D"),
        ),
        # made inside a function, reachable through the application
        (
            "def make():\n class Local: ...\n return serve.deployment(Local).bind()\napp = make()",
            *("from program import app", "app.deployment"),
        ),
    ],
)
def test_deployment_is_imported_from_where_it_has_a_name(
    program: Program,
    source: str,
    imported: str,
    expression: str,
) -> None:
    program.write(models=MODEL)
    text = program.plan(source).functions[0].entry_point

    assert imported in text
    assert f"handler = entry_point({expression})\n" in text


def test_every_entry_point_runs(program: Program, closing: Closing) -> None:
    program.write(models=MODEL)
    plan = program.plan(
        """
        from models import Fast, Model, Plain

        @serve.deployment
        class Gateway:
            def __init__(self, *handles):
                self.handles = handles

            def names(self):
                return [handle.deployment_name for handle in self.handles]

        app = Gateway.bind(
            Model.bind(),
            Model.bind(),
            Fast.bind(),
            Model.options(user_config=[1]).bind(),
            serve.deployment(name="Raw", user_config={"raw": True})(Plain).bind(),
        )
        """,
    )
    handlers = {
        function.name: closing(run(function.entry_point)["handler"]) for function in plan.functions
    }
    read = {
        name: handler({"method": "read"}) for name, handler in handlers.items() if name != "Gateway"
    }

    assert handlers["Gateway"]({"method": "names"}) == [
        "Model",
        "Model_1",
        "Fast",
        "Model_2",
        "Raw",
    ]
    expected = {
        "Model": None,
        "Model_1": None,
        "Fast": {"a": 1},
        "Model_2": [1],
        "Raw": {"raw": True},
    }
    assert read == expected


@pytest.mark.parametrize(
    "source",
    [
        "deployment = serve.deployment(serve.ingress(factory)())\napp = deployment.bind()",
        "app = serve.deployment(serve.ingress(factory)()).bind()",
        "from ingress import deployment\napp = deployment.bind()",
    ],
)
def test_default_ingress_class_is_found_by_the_variable_that_holds_it(
    program: Program,
    closing: Closing,
    source: str,
) -> None:
    factory = "from fastapi import FastAPI\ndef factory():\n    return FastAPI()\n"
    made = "from adapter import serve\ndeployment = serve.deployment(serve.ingress(factory)())\n"
    program.write(ingress=factory + made)
    plan = program.plan(factory + source)

    assert plan.functions[0].name == "ASGIIngressDeployment"
    closing(run(plan.functions[0].entry_point)["handler"])


def test_names_that_two_modules_share_are_told_apart(program: Program, closing: Closing) -> None:
    module = """
    from dataclasses import dataclass

    @dataclass
    class Config:
        where: str = __name__
    """
    program.write(one=module, two=module)
    plan = program.plan(
        """
        import one, two

        @serve.deployment
        class Config:
            def __init__(self, *configs):
                self.configs = configs

            def read(self):
                return [config.where for config in self.configs]

        app = Config.bind(one.Config(), two.Config())
        """,
    )
    handler = closing(run(plan.functions[0].entry_point)["handler"])

    assert handler({"method": "read"}) == ["one", "two"]


@pytest.mark.parametrize(
    "child",
    [
        "serve.deployment(make()).bind()",
        "serve.deployment(lambda: None).options(name='Lambda').bind()",
    ],
)
def test_class_that_has_no_name_is_refused(program: Program, child: str) -> None:
    with pytest.raises(
        PlanError, match="cannot be imported by name, so its Lambda function"
    ) as got:
        program.plan(
            f"""
            def make():
                class Local: ...
                return Local

            @serve.deployment
            class Gateway: ...

            app = Gateway.bind({child})
            """,
        )

    assert "at the top level of a module" in str(got.value)

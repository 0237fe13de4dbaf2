import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adapter.errors import InvalidOption, TargetError
from adapter.function import Function
from adapter.plan.target import load_target, plan_target
from adapter.plan.values import RoutePlan
from tests import events
from tests.plan.programs import Program, run

APP = """
@serve.deployment
class Gateway:
    def __call__(self): return "gateway"

app = Gateway.bind()
"""


def test_bound_application_is_planned(program: Program) -> None:
    plan = program.plan(APP)

    assert (plan.name, plan.target, plan.route_prefix) == ("default", "program:app", "/")
    assert plan.ingress == "Gateway"
    assert plan.routes == (RoutePlan(methods=("ANY",), path="/{path}", function="Gateway"),)
    assert plan.function("Gateway") is plan.functions[0]
    with pytest.raises(KeyError):
        plan.function("Nothing")


def test_name_and_prefix_are_taken(program: Program) -> None:
    plan = program.plan(APP, name="shop", route_prefix="/api")

    assert (plan.name, plan.route_prefix, plan.ingress) == ("shop", "/api", "shop-Gateway")
    assert plan.routes[0].path == "/api/{path}"


@pytest.mark.parametrize("prefix", ["api", "/api/", "/{x}"])
def test_malformed_prefix_is_refused_before_anything_is_imported(prefix: str) -> None:
    with pytest.raises(InvalidOption, match="route_prefix"):
        plan_target("nowhere:app", route_prefix=prefix)


@pytest.mark.parametrize(
    ("source", "routes"),
    [
        ("from fastapi import FastAPI\napp = FastAPI()", [("ANY", "/{path}")]),
        (
            "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/x')\ndef x(): ...",
            [("GET", "/x")],
        ),
        ("async def app(scope, receive, send): ...", [("ANY", "/{path}")]),
        ("from fastapi import FastAPI\ndef app(): return FastAPI()", [("ANY", "/{path}")]),
        ("async def app(): ...", [("ANY", "/{path}")]),
        ("class App:\n    async def __call__(self, *a): ...\napp = App()", [("ANY", "/{path}")]),
    ],
)
def test_asgi_application_or_factory_is_planned_as_it_is(
    program: Program,
    source: str,
    routes: list[tuple[str, str]],
) -> None:
    plan = program.plan(source)

    assert plan.functions[0].entry_point == (
        '"""Entry point of application app. Written by `adapter build program:app`."""\n'
        "\n"
        "from adapter import lambda_handler\n"
        "from program import app\n"
        "\n"
        "handler = lambda_handler(app)\n"
    )
    assert [(" ".join(route.methods), route.path) for route in plan.routes] == routes
    environment = {"ADAPTER_APPLICATION": "default", "ADAPTER_INGRESS": "app"}
    assert plan.functions[0].environment == environment
    assert (plan.ingress, plan.functions[0].is_ingress) == ("app", True)


def test_asgi_application_has_name_and_prefix(program: Program) -> None:
    source = "from fastapi import FastAPI\nclass Site: api = FastAPI()"
    plan = program.plan(source, "program:Site.api", name="shop", route_prefix="/api")

    function = plan.functions[0]
    assert (function.name, function.deployment) == ("shop-Site-api", "Site-api")
    assert function.environment == {
        "ADAPTER_APPLICATION": "shop",
        "ADAPTER_INGRESS": "Site-api",
        "ADAPTER_ROUTE_PREFIX": "/api",
    }
    assert "handler = lambda_handler(Site.api)" in function.entry_point


def test_handler_of_an_asgi_application_serves(program: Program, closing: Any) -> None:
    source = "from fastapi import FastAPI\ndef app(): return FastAPI(title='Planned')"
    handler: Function = closing(run(program.plan(source).functions[0].entry_point)["handler"])

    assert "Planned" in handler(events.http_api(path="/openapi.json"))["body"]


@pytest.mark.parametrize(
    "target",
    ["program", "program:", ":app", "", ":", ".program:app", "..:app"],
)
def test_target_has_the_form_module_attribute(program: Program, target: str) -> None:
    with pytest.raises(TargetError, match="must have the form module:attribute") as caught:
        program.plan(APP, target)

    assert f"TARGET={target!r}" in str(caught.value)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "progam:app",
            "no module named 'progam' (looked in {folder} and sys.path). Did you mean 'p",
        ),
        ("nothing:app", "no module named 'nothing' (looked in {folder} and sys.path)."),
        (
            "package.mian:app",
            "no module named 'package.mian' (looked in {folder} and sys.path).",
        ),
        (
            "pakage.main:app",
            "no module named 'pakage' (looked in {folder} and sys.path). Did you me",
        ),
        (
            "program.py:app",
            "no module named 'program.py' (looked in {folder} and sys.path). Write it as a module",
        ),
        ("package/main:app", "no module named 'package/main' (looked in {folder} and sys.path)."),
        ("program..x:app", "no module named 'program.' (looked in {folder} and sys.path)."),
        (
            "program:ap",
            "module 'program' ({folder}/program.py) has no attribute 'ap'. Did you mean",
        ),
        (
            "program:app.nothing",
            "module 'program' ({folder}/program.py) has no attribute 'app.nothi",
        ),
        ("package.main:app", "module 'package.main' ({folder}/package/main.py) has no attribute"),
        (
            "program:Gateway",
            "program:Gateway is a deployment that is not bound yet; name an applica",
        ),
        (
            "program:number",
            "program:number is 3, which is no application. Expected an application ",
        ),
        ("program:double", "program:double is <function double at"),
        ("program:Plain", "program:Plain is <class 'program.Plain'>, which is no application."),
        ("program:serve", "program:serve is <module 'adapter.serve'"),
    ],
)
def test_target_that_names_no_application_says_why(
    program: Program,
    target: str,
    message: str,
) -> None:
    program.write(package__main="number = 3")
    source = APP + "number = 3\ndef double(value, times): ...\nclass Plain: ...\n"
    with pytest.raises(TargetError) as caught:
        program.plan(source, target)

    assert str(caught.value).startswith(message.format(folder=program.folder.resolve()))


def test_suggestion_for_an_attribute_is_complete(program: Program) -> None:
    with pytest.raises(TargetError, match=r"has no attribute 'ap'\. Did you mean 'app'\?"):
        program.plan(APP, "program:ap")
    with pytest.raises(TargetError, match=r"for example app = Gateway\.bind\(\)"):
        program.plan(APP, "program:Gateway")


def test_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="nowhere does not exist"):
        plan_target("program:app", app_dir=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import a_module_that_is_missing", ModuleNotFoundError),
        ("from json import a_name_that_is_missing", ImportError),
        ("1 / 0", ZeroDivisionError),
        ("def broken(:", SyntaxError),
    ],
)
def test_error_of_the_users_module_passes(
    program: Program,
    source: str,
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        program.plan(source)


def test_module_is_found_in_the_current_folder(
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program.write(here="app = 3")
    monkeypatch.chdir(program.folder)

    assert load_target("here:app") == 3


SETS = """
from adapter import serve

@serve.deployment
class Model:
    def __init__(self, *args): ...

app = Model.bind({"a", "b", "c", None, 1, (1, 2)}, frozenset("xyz"), Model.bind())
"""
SHOW = """
from adapter.plan.target import plan_target
for function in plan_target("program:app").functions:
    print(function.entry_point, function.environment, function.calls)
"""


def test_plan_is_the_same_in_every_process(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(SETS)
    shown = {
        subprocess.run(
            [sys.executable, "-c", SHOW],
            cwd=tmp_path,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd())},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("0", "1", "2")
    }

    assert len(shown) == 1
    assert '{"a", "b", "c", (1, 2), 1, None}' in shown.pop()


DEPLOYS_ITSELF = """
@serve.deployment(route_prefix="/hello")
class Hello:
    def __init__(self, greeting):
        self.greeting = greeting

    def __call__(self, request):
        return self.greeting

Hello.deploy("hi")
"""


def test_deployment_that_deploys_itself_is_planned_at_its_prefix(program: Program) -> None:
    planned = program.plan(DEPLOYS_ITSELF, "program:Hello")

    assert (planned.route_prefix, planned.ingress) == ("/hello", "Hello")
    assert planned.functions[0].environment["ADAPTER_ROUTE_PREFIX"] == "/hello"
    assert 'handler = entry_point(Hello, "hi")' in planned.functions[0].entry_point


def test_prefix_that_is_given_goes_before_that_of_the_deployment(program: Program) -> None:
    assert program.plan(DEPLOYS_ITSELF, "program:Hello", route_prefix="/a").route_prefix == "/a"


PREFIXED = """
@serve.deployment(route_prefix={prefix!r})
class Hello:
    def __call__(self): return "hello"

app = Hello.bind()
"""


@pytest.mark.parametrize("prefix", ["/hello", None])
def test_the_prefix_of_the_ingress_is_that_of_its_application(
    program: Program,
    prefix: str | None,
) -> None:
    assert program.plan(PREFIXED.format(prefix=prefix)).route_prefix == prefix


def test_a_prefix_that_is_given_goes_before_that_of_the_ingress(program: Program) -> None:
    assert program.plan(PREFIXED.format(prefix="/hello"), route_prefix="/a").route_prefix == "/a"


def test_deployments_that_are_deployed_beside_the_target_are_named(program: Program) -> None:
    source = """
    @serve.deployment
    class Hello: ...

    First, Second = Hello.options(name="First"), Hello.options(name="Second")
    for deployment in (Hello, Second, First):
        deployment.deploy()
    """
    (note,) = program.plan(source, "program:Hello").notes

    assert note.startswith("the module deploys First, Second too, which is not served: each is an")


def test_a_leftover_import_of_ray_is_told_how_to_change(program: Program) -> None:
    program.write(models="\nfrom ray import serve\n")

    with pytest.raises(TargetError) as caught:
        program.plan("import models\napp = 1")

    assert str(caught.value).startswith(
        f"{program.folder}/models.py, line 2, imports ray, which is not installed. Change the "
        "import: `from ray import serve` is `from adapter import serve` here",
    )


def test_an_application_of_rays_own_is_told_to_change_the_import(program: Program) -> None:
    program.write(ray__serve="class Application: pass\n")
    try:
        with pytest.raises(TargetError, match=r"program:app is Ray's own Application\. Change"):
            program.plan("from ray.serve import Application\napp = Application()")
    finally:
        sys.modules.pop("ray", None)

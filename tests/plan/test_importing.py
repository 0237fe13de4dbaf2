"""`serve.run` at the top level of a module that is imported to be served or built."""

import sys
from pathlib import Path

import pytest

from adapter.errors import InvalidOption, PlanError, ServeError, TargetError
from adapter.local.banner import try_command
from adapter.plan.target import plan_target

PROGRAM = """
from adapter import serve

@serve.deployment(autoscaling_config={"max_replicas": 3, "upscale_delay_s": 5})
class Model:
    def __init__(self, **settings):
        self.other = lambda: serve.get_deployment_handle("Elsewhere", "other")

app = Model.bind()
broken = Model.bind(**{"class": 1})
"""


def write(folder: Path, name: str, text: str) -> str:
    (folder / f"{name}.py").write_text(text)
    return f"{name}:app"


def test_it_is_refused_with_the_remedy(tmp_path: Path) -> None:
    target = write(tmp_path, "running_at_once", f"{PROGRAM}\nserve.run(app)\n")

    with pytest.raises(ServeError, match="under `if __name__ == '__main__':`"):
        plan_target(target, app_dir=tmp_path)


def test_under_the_guard_it_is_fine(tmp_path: Path) -> None:
    guarded = f"{PROGRAM}\nif __name__ == '__main__':\n    serve.run(app)\n"

    assert plan_target(write(tmp_path, "guarded", guarded), app_dir=tmp_path).ingress == "Model"


@pytest.mark.parametrize("name", ["", "two words", "a/b"])
def test_an_application_name_that_no_function_can_begin_with_is_refused(
    tmp_path: Path,
    name: str,
) -> None:
    target = write(tmp_path, "named_badly", PROGRAM)

    with pytest.raises(InvalidOption, match="must hold letters, digits, hyphens"):
        plan_target(target, app_dir=tmp_path, name=name)


def test_an_argument_that_is_no_python_name_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "no_python_name", PROGRAM)

    with pytest.raises(PlanError, match="cannot be written as Python code"):
        plan_target("no_python_name:broken", app_dir=tmp_path)


def test_what_lambda_cannot_do_is_said(tmp_path: Path) -> None:
    (function,) = plan_target(write(tmp_path, "noted", PROGRAM), app_dir=tmp_path).functions

    notes = "\n".join(function.notes)
    assert "autoscaling_config['upscale_delay_s'] has no meaning on Lambda" in notes
    assert [callee.deployment for callee in function.outside_calls] == ["Elsewhere"]


def test_a_users_module_called_app_is_not_hidden_by_the_entry_point(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "app", raising=False)
    write(tmp_path, "app", PROGRAM)
    plans = [plan_target("app:app", app_dir=tmp_path)]
    monkeypatch.delitem(sys.modules, "app")
    plans.append(plan_target(write(tmp_path, "not_app", PROGRAM), app_dir=tmp_path))

    assert [plan.functions[0].handler for plan in plans] == ["entry_point.handler", "app.handler"]


def test_another_margin_before_the_deadline_is_a_variable(tmp_path: Path) -> None:
    options = "lambda_options=serve.LambdaOptions(deadline_margin_ms=2000)"
    text = (
        f"from adapter import serve\n@serve.deployment({options})\ndef f(): ...\napp = f.bind()\n"
    )
    (function,) = plan_target(write(tmp_path, "margin", text), app_dir=tmp_path).functions

    assert function.environment["ADAPTER_DEADLINE_MARGIN_MS"] == "2000"


def test_what_a_route_requires_is_in_the_line_to_try(tmp_path: Path) -> None:
    text = (
        "from fastapi import FastAPI, Header\n"
        "app = FastAPI()\n"
        "@app.get('/secret')\n"
        "def secret(token: str = Header()): ...\n"
        "@app.get('/sentiment')\n"
        "def sentiment(text: str, times: int, loud: bool = False): ...\n"
    )
    plan = plan_target(write(tmp_path, "requiring", text), app_dir=tmp_path)

    assert [route.query for route in plan.routes] == [None, "text=text&times=1"]
    assert try_command([plan], "http://h") == "curl -s 'http://h/sentiment?text=text&times=1'"


@pytest.mark.parametrize(
    "made",
    ["LambdaHandler()", "lambda_handler(FastAPI())", "(lambda request, answer: request)"],
)
def test_what_no_server_could_call_is_no_application(tmp_path: Path, made: str) -> None:
    module = "no_application_" + "".join(filter(str.isalpha, made))
    text = (
        "from fastapi import FastAPI\n"
        "from adapter import lambda_handler\n"
        "class LambdaHandler:\n"
        "    def __call__(self, event, context): ...\n"
        f"app = {made}\n"
    )
    target = write(tmp_path, module, text)

    with pytest.raises(TargetError, match="which is no application"):
        plan_target(target, app_dir=tmp_path)

    close = getattr(sys.modules[module].app, "close", None)
    if close is not None:
        close()

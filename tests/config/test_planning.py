"""An application of a config file, imported and planned."""

import os

import pytest

from adapter.errors import ConfigError
from tests.config.files import Shop


def test_an_application_is_named_and_placed_by_the_file(shop: Shop) -> None:
    plan = shop.plan(
        "applications: [{name: shop, route_prefix: /shop, import_path: shop.app}]",
        "shop",
    )

    assert (plan.name, plan.target, plan.route_prefix) == ("shop", "shop.yaml", "/shop")
    assert [function.name for function in plan.functions] == ["shop-Gateway", "shop-Model"]
    assert "Written by `adapter build shop.yaml`." in plan.functions[0].entry_point
    assert plan.routes[0].path == "/shop/{path}"


def test_a_builder_gets_the_arguments_of_the_file_with_their_types(shop: Shop) -> None:
    plan = shop.plan("applications: [{import_path: 'shop:build', args: {size: [1, x]}}]")

    assert 'handler = entry_point(Model, [1, "x"])' in plan.function("Model").entry_point


@pytest.mark.parametrize("text", ["proxy_location: Disabled\n", ""])
def test_without_a_proxy_or_a_prefix_there_is_no_http(shop: Shop, text: str) -> None:
    prefix = "" if text else ", route_prefix: null"
    plan = shop.plan(f"{text}applications: [{{import_path: 'shop:app'{prefix}}}]")

    assert (plan.route_prefix, plan.routes) == (None, ())


def test_variables_are_set_while_the_program_is_imported(shop: Shop) -> None:
    environment = "runtime_env: {env_vars: {GREETING: hello}}"
    plan = shop.plan(f"applications: [{{import_path: 'shop:app', {environment}}}]")

    assert 'DeploymentHandle("Model"), "hello")' in plan.functions[0].entry_point
    assert "GREETING" not in os.environ


@pytest.mark.parametrize(
    ("application", "mistake"),
    [
        ("import_path: 'shp:app'", "1:30: no module named 'shp'"),
        ("import_path: shop.ap", "1:30: module 'shop' ("),
        ("import_path: shop:Model", "1:30: shop:Model is a deployment that is not bound yet; n"),
        ("import_path: shop:os", "1:30: shop:os is neither an application made by Deployment.bi"),
        ("import_path: shop:none", "1:30: shop:none is neither an application made by Deployment"),
        ("import_path: shop:app, args: {a: 1}", "1:30: shop:app cannot take arguments (a): it is"),
        ("import_path: shop:build", "1:16: args: size: is missing; the builder asks for it"),
        (
            "import_path: shop:by_model, args: {size: many}",
            "1:58: args: size: input should be a valid integer, unable to parse string",
        ),
        (
            "import_path: shop:by_model, args: {size: 1, sise: 2}",
            "1:67: args: sise: Args has no such field. Did you mean 'size'?",
        ),
        (
            "import_path: shop:app, deployments: [{name: Model, ray_actor_options: {num_gpus: 1}}]",
            "1:16: application 'default': Model: ray_actor_options num_gpus=1: Lambda functions",
        ),
    ],
)
def test_what_turns_out_wrong_is_told_with_its_place(
    shop: Shop,
    application: str,
    mistake: str,
) -> None:
    module = shop.folder / "shop.py"
    more = "from pydantic import BaseModel\nclass Args(BaseModel):\n    size: int\n"
    more += "def by_model(args: Args): ...\ndef none(): ...\n"
    module.write_text(module.read_text() + more)

    [found] = shop.mistakes(f"applications: [{{{application}}}]")
    assert found.startswith(mistake)


def test_an_asgi_application_is_told_how_to_become_one(shop: Shop) -> None:
    (shop.folder / "web.py").write_text("from fastapi import FastAPI\napi = FastAPI()\n")
    with pytest.raises(ConfigError, match=r"serve\.deployment\(serve\.ingress\(api\)\(\)\)\.bind"):
        shop.plan("applications: [{import_path: 'web:api'}]")


def test_an_error_of_the_program_itself_passes(shop: Shop) -> None:
    (shop.folder / "failing.py").write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        shop.plan("applications: [{import_path: 'failing:app'}]")

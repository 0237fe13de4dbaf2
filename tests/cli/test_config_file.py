"""Config files and application builders on the command line, as processes of their own."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import adapter
from tests.running import adapter_run
from tests.template.trees import read_tree, write_tree

REPOSITORY = Path(adapter.__file__).parents[1]
PROGRAM = """
    import os

    from adapter import serve


    @serve.deployment
    class Model:
        def __init__(self, size):
            self.size = size

        def reconfigure(self, config):
            self.config = config

        def __call__(self):
            return [self.size, getattr(self, "config", None), os.environ.get("STAGE")]


    @serve.deployment
    class Gateway:
        def __init__(self, model):
            self.model = model

        async def __call__(self, request):
            return {"model": await self.model.remote(), "path": request.url.path}


    def build(args):
        return Gateway.bind(Model.bind(args["size"]))


    app = Gateway.bind(Model.bind(1))
"""
CONFIG = """\
    http_options:
      host: 127.0.0.2
      port: {port}
      root_path: /proxy
    applications:
      - import_path: shop.app
        runtime_env:
          env_vars: {{STAGE: test}}
        deployments:
          - name: Model
            user_config: {{level: 2}}
      - name: sized
        route_prefix: /sized
        import_path: shop:build
        args: {{size: 3}}
"""
ONE = """\
    applications:
      - name: sized
        route_prefix: /sized
        import_path: shop:build
        args: {size: 3}
        deployments:
          - name: Model
            num_replicas: 2
            user_config: {level: 2}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tree(tmp_path, {"shop.py": PROGRAM, "one.yaml": ONE, ".git/HEAD": ""})


def command(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "adapter.cli.main", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def test_every_application_of_a_file_is_served(folder: Path) -> None:
    write_tree(folder, {"two.yaml": CONFIG.format(port=1)})
    run = adapter_run("two.yaml", folder=folder, PYTHONPATH=str(REPOSITORY))
    try:
        first, second = get(f"{run.http_url}/a"), get(f"{run.http_url}/sized/a")
    finally:
        run.stop()

    assert first == {"model": [1, {"level": 2}, "test"], "path": "/proxy/a"}
    assert second == {"model": [3, None, None], "path": "/proxy/sized/a"}
    assert run.http_url.startswith("http://127.0.0.2:")
    assert not run.http_url.endswith(":1")  # --port goes before the file
    assert run.lambda_url.startswith("http://127.0.0.1:")


def test_the_port_of_the_file_is_taken(folder: Path) -> None:
    with socket.create_server(("127.0.0.2", 0)) as taken:
        port = taken.getsockname()[1]
        write_tree(folder, {"two.yaml": CONFIG.format(port=port)})
        done = command(folder, "run", "two.yaml", "--lambda-port", "0")

    assert done.returncode == 2
    assert done.stderr.startswith(f"error: cannot listen on 127.0.0.2:{port}: Address already in u")


def test_a_builder_is_served_with_its_arguments(folder: Path) -> None:
    run = adapter_run("shop:build", "size=many", folder=folder, PYTHONPATH=str(REPOSITORY))
    try:
        answer = get(run.http_url)
    finally:
        run.stop()

    assert answer["model"] == ["many", None, None]


@pytest.mark.parametrize("subcommand", ["run", "build"])
def test_every_mistake_in_a_file_is_told_at_once(folder: Path, subcommand: str) -> None:
    wrong = "applications:\n  - import_path: shop\n    nam: x\n    deployments: [{name: 3}]\n"
    write_tree(folder, {"wrong.yaml": wrong})
    done = command(folder, subcommand, "wrong.yaml")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: wrong.yaml has 3 mistakes.\n"
        "       wrong.yaml:2:18: import_path='shop' must have the form module:attribute or "
        "module.attribute, for example main:app.\n"
        "       wrong.yaml:3:5: applications[0] has no key 'nam'. Did you mean 'name'?\n"
        "       wrong.yaml:4:26: name: expected text; found 3. Put it in quotes.\n"
    )


def test_what_is_wrong_with_several_applications_is_told_at_once(folder: Path) -> None:
    text = CONFIG.format(port=0).replace("Model", "Modle").replace("{size: 3}", "{}")
    write_tree(folder, {"two.yaml": text})
    done = command(folder, "run", "two.yaml")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: two.yaml:10:15: application 'default' has no deployment 'Modle'. Did you mean "
        "'Model'? It has Gateway, Model.\n"
        "error: two.yaml:15:11: args: size: is missing; the builder asks for it\n"
    )


def test_a_file_is_built_as_its_application_says(folder: Path) -> None:
    done = command(folder, "build", "one.yaml", "--output-dir", "out")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1].endswith("called by Gateway          2 kept warm")
    template = (folder / "out/template.yaml").read_text()
    assert template.startswith("# Written by `adapter build one.yaml`, which replaces this file.\n")
    assert "${AWS::StackName}-sized-Model" in template
    entry_point = (folder / "out/functions/sized_model/app.py").read_text()
    assert 'handler = entry_point(Model.options(user_config={"level": 2}), 3)' in entry_point
    assert 'stack_name = "one"' in (folder / "out/samconfig.toml").read_text()


def test_all_applications_of_a_file_are_built_into_one_stack(folder: Path) -> None:
    write_tree(folder, {"two.yaml": CONFIG.format(port=0)})
    done = command(folder, "build", "two.yaml", "--output-dir", "out", "--output", "json")

    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert [plan["name"] for plan in report["applications"]] == ["default", "sized"]
    assert [function["function"] for function in report["functions"]] == [
        "${AWS::StackName}-Gateway",
        "${AWS::StackName}-Model",
        "${AWS::StackName}-sized-Gateway",
        "${AWS::StackName}-sized-Model",
    ]
    template = (folder / "out/template.yaml").read_text()
    assert template.count("Type: AWS::Serverless::HttpApi\n") == 1
    assert "Value: !Sub ${HttpApi.ApiEndpoint}/sized\n" in template
    assert "STAGE: test" in template
    entry_point = (folder / "out/functions/sized_model/app.py").read_text()
    assert entry_point.endswith("handler = entry_point(Model, 3)\n")
    assert command(folder, "build", "two.yaml", "--output-dir", "out", "--check").returncode == 0


ACROSS = """
    from adapter import serve


    @serve.deployment
    class Prices:
        def __call__(self, currency):
            return f"7 {currency}"


    @serve.deployment
    class Shop:
        async def __call__(self, request):
            prices = serve.get_deployment_handle("Prices", "billing")
            return {"price": await prices.remote(request.query_params["currency"])}


    billing = Prices.bind()
    shop = Shop.bind()
"""
TWO = """\
    applications:
      - {name: shop, route_prefix: /shop, import_path: "across:shop"}
      - {name: billing, route_prefix: null, import_path: "across:billing"}
"""


def test_applications_of_a_file_call_each_other(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, {"across.py": ACROSS, "two.yaml": TWO, ".git/HEAD": ""})
    run = adapter_run("two.yaml", folder=folder, PYTHONPATH=str(REPOSITORY))
    try:
        answer = get(f"{run.http_url}/shop?currency=EUR")
    finally:
        run.stop()
    built = command(folder, "build", "two.yaml", "--output-dir", "out")

    assert answer == {"price": "7 EUR"}
    assert "called by Shop " in built.stdout.splitlines()[1]
    assert (
        "function:${AWS::StackName}-billing-Prices\n" in (folder / "out/template.yaml").read_text()
    )
    assert "note" not in built.stdout


def test_a_file_gives_the_same_bytes_from_another_folder(folder: Path) -> None:
    command(folder, "build", "one.yaml")
    before = read_tree(folder)
    options = ("--app-dir", str(folder), "--output-dir", str(folder))
    done = command(REPOSITORY, "build", str(folder / "one.yaml"), *options)

    assert done.returncode == 0
    assert read_tree(folder) == before
    assert command(folder, "build", "one.yaml", "--check").returncode == 0


def test_a_builder_is_built_with_its_arguments(folder: Path) -> None:
    done = command(folder, "build", "shop:build", "size=3", "--output-dir", "out")

    assert done.returncode == 0
    entry_point = (folder / "out/functions/model/app.py").read_text()
    assert "Written by `adapter build shop:build size=3`." in entry_point
    assert 'stack_name = "shop"' in (folder / "out/samconfig.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("build", "one.yaml", "--name", "x"), "error: --name is for module:attribute; in one.yam"),
        (("run", "one.yaml", "size=3"), "error: one.yaml takes no arguments (size): write them be"),
        (("run", "none.yml"), "error: there is no file none.yml.\n"),
        (("run", "shop:build"), "error: shop:build cannot take these arguments.\n       argument"),
        (("run", "shop:app", "size=3"), "error: shop:app cannot take arguments (size): it is an"),
    ],
)
def test_wrong_use_is_one_error_and_exit_code_2(
    folder: Path,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    write_tree(folder, {"two.yaml": CONFIG.format(port=0)})
    done = command(folder, *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("size",), "expected an argument of the application builder, KEY=VALUE; found 'size'."),
        (("=3",), "expected an argument of the application builder, KEY=VALUE; found '=3'."),
        (("size=1", "size=2"), "the argument 'size' is there twice; give it one value."),
    ],
)
def test_an_argument_is_a_key_and_a_value(
    folder: Path,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    done = command(folder, "run", "shop:build", *arguments)

    assert done.returncode == 2
    assert done.stderr.endswith(f"Error: {message}\n")


def test_a_crash_of_the_program_shows_its_traceback(folder: Path) -> None:
    write_tree(folder, {"two.yaml": CONFIG.format(port=0), "shop.py": "def f():\n    1 / 0\nf()\n"})
    several, one = command(folder, "run", "two.yaml"), command(folder, "run", "one.yaml")

    for done in (several, one):
        assert done.returncode == 1
        assert "ZeroDivisionError" in done.stderr
        assert "adapter/plan" not in done.stderr

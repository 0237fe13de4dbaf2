import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.programs import ROOT, adapter, at_most, shop
from tests.template.trees import read_tree, write_tree

PROGRAM = shop(at_most(20))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tree(tmp_path, {"shop.py": PROGRAM, ".git/HEAD": ""})


def test_build_writes_a_project_and_says_what_it_does(folder: Path) -> None:
    done = adapter(folder, "build", "shop:app", "--runtime", "python3.13")

    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[:2] == [
        "  Gateway  512 MB  30 s  HTTP API / (AWS_IAM)  scales from zero",
        "  Model    512 MB  30 s  called by Gateway     at most 20",
    ]
    assert lines[2].startswith("  Wrote template.yaml, samconfig.toml, functions/ (2), layers/ (3:")
    assert lines[-1] == "  Next  sam build && sam deploy"
    assert done.returncode == 0
    assert (folder / "functions/model/app.py").is_file()


def test_what_a_function_is_subscribed_to_is_how_it_is_reached(tmp_path: Path) -> None:
    program = """
        from adapter import serve

        EVENTS = (
            serve.Schedule("rate(5 minutes)", method="handle"),
            serve.SQSQueue("orders", method="handle"),
            serve.S3Bucket("uploads", method="handle"),
            serve.EventBridgeRule({"source": ["shop"]}, method="handle"),
        )


        @serve.deployment(lambda_options=serve.LambdaOptions(api="none", events=EVENTS))
        class Worker:
            def handle(self, event): ...


        app = Worker.bind()
    """
    folder = write_tree(tmp_path, {"shop.py": program, ".git/HEAD": ""})

    done = adapter(folder, "build", "shop:app")

    assert done.stdout.splitlines()[0] == (
        "  Worker  512 MB  30 s  schedule rate(5 minutes), queue orders, bucket uploads, "
        "rule of EventBridge  scales from zero"
    )


def test_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    trees = []
    for seed in ("1", "2"):
        place = write_tree(tmp_path / f"place{seed}", {"src/shop.py": PROGRAM})
        options = ("--app-dir", "src", "--output-dir", "out")
        assert adapter(place, "build", "shop:app", *options, PYTHONHASHSEED=seed).returncode == 0
        trees.append(read_tree(place / "out"))

    assert trees[0] == trees[1]
    assert all(str(tmp_path).encode() not in content for _, content in trees[0].values())


def test_same_input_gives_the_same_bytes_from_another_folder(folder: Path) -> None:
    adapter(folder, "build", "shop:app")
    before = read_tree(folder)

    adapter(ROOT, "build", "shop:app", "--app-dir", str(folder), "--output-dir", str(folder))

    assert read_tree(folder) == before


def test_built_functions_import_from_the_project_alone(folder: Path) -> None:
    adapter(folder, "build", "shop:app", "--output-dir", "out")
    layers = [str(folder / "out/layers" / name) for name in ("adapter", "application")]

    done = subprocess.run(
        [sys.executable, "-c", "import app, shop; print(callable(app.handler), shop.__file__)"],
        cwd=folder / "out/functions/model",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(layers)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == (f"True {layers[1]}/shop.py\n", "")


def test_check_writes_nothing_and_names_what_differs(folder: Path) -> None:
    adapter(folder, "build", "shop:app")
    assert adapter(folder, "build", "shop:app", "--check").returncode == 0
    (folder / "functions/model/app.py").unlink()
    before = read_tree(folder)

    done = adapter(folder, "build", "shop:app", "--check")

    assert done.returncode == 1
    assert done.stdout.splitlines()[1:] == ["    functions/model/app.py"]
    assert read_tree(folder) == before


def test_check_of_nothing_writes_nothing(folder: Path) -> None:
    done = adapter(folder, "build", "shop:app", "--check", "--output-dir", "out")

    assert done.returncode == 1
    assert not (folder / "out").exists()


def program(options: str, more: str = "") -> str:
    return f"""
        from adapter import serve

        @serve.deployment(lambda_options=serve.LambdaOptions({options}){more})
        def gateway(request): ...

        app = gateway.bind()
    """


@pytest.mark.parametrize(
    ("options", "more", "says"),
    [
        ('url="stream"', "", "HTTP API / (AWS_IAM), streaming URL (AWS_IAM)  scales from zero"),
        ('url="buffered"', "", "HTTP API / (AWS_IAM), function URL (AWS_IAM)  scales from zero"),
        (
            'url="public-stream"',
            "",
            "HTTP API / (AWS_IAM), streaming URL (public)  scales from zero",
        ),
        (
            'url="public-buffered", api="none"',
            "",
            "function URL (public)  scales from zero",
        ),
        ('api="public-http"', "", "HTTP API / (public)  scales from zero"),
        ('api="rest"', "", "REST API / (AWS_IAM)  scales from zero"),
        ('api="public-rest"', "", "REST API / (public)  scales from zero"),
        (
            'capacity_provider="models"',
            ', autoscaling_config={"min_replicas": 1, "max_replicas": 4}, max_ongoing_requests=16',
            "HTTP API / (AWS_IAM)  1 to 4 environments, 16 at once in each",
        ),
        (
            'capacity_provider="models"',
            ", num_replicas=1",
            "HTTP API / (AWS_IAM)  1 environment, 5 at once in each",
        ),
    ],
)
def test_report_says_how_a_function_is_reached_and_scales(
    tmp_path: Path,
    options: str,
    more: str,
    says: str,
) -> None:
    folder = write_tree(tmp_path, {"shop.py": program(options, more)})

    done = adapter(folder, "build", "shop:app", "--runtime", "python3.13")

    assert done.stdout.splitlines()[0].endswith(f" s  {says}"), done.stderr


STREAMS = """
    from fastapi import FastAPI
    from fastapi.responses import StreamingResponse

    api = FastAPI()


    @api.get("/lines", response_class=StreamingResponse)
    def lines():
        yield "a"


    @api.get("/")
    def index():
        return 1
"""


@pytest.mark.parametrize(
    ("arguments", "environ", "who"),
    [
        ((), {}, "AWS_IAM"),
        (("--public",), {}, "public"),
        ((), {"ADAPTER_PUBLIC": "true"}, "public"),
        (("--no-public",), {"ADAPTER_PUBLIC": "1"}, "AWS_IAM"),
    ],
)
def test_an_application_is_public_where_the_build_has_the_word(
    tmp_path: Path,
    arguments: tuple[str, ...],
    environ: dict[str, str],
    who: str,
) -> None:
    folder = write_tree(tmp_path, {"main.py": STREAMS})

    done = adapter(folder, "build", "main:api", "--runtime", "python3.13", *arguments, **environ)

    first = done.stdout.splitlines()[0]
    assert f"HTTP API / ({who}), streaming URL ({who})  scales from zero" in first, done.stderr


def test_json_says_how_each_route_is_reached(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, {"main.py": STREAMS})

    done = adapter(folder, "build", "main:api", "--runtime", "python3.13", "--output", "json")

    [application] = json.loads(done.stdout)["applications"]
    assert application["api"] == {
        "type": "HTTP API",
        "auth_type": "AWS_IAM",
        "response_transfer_mode": "BUFFERED",
    }
    assert application["url"] == {"auth_type": "AWS_IAM", "invoke_mode": "RESPONSE_STREAM"}
    assert application["routes"] == [
        {
            "methods": ["GET"],
            "path": path,
            "function": "api",
            "streams": streams,
            "through": ["HTTP API", "function URL"],
        }
        for path, streams in (("/lines", True), ("/", False))
    ]


def test_resources_of_the_users_own_become_a_part_of_the_template(folder: Path) -> None:
    queue = "Resources:\n  Jobs:\n    Type: AWS::SQS::Queue\n"
    project = '[tool.adapter]\ntemplate = "infrastructure.yaml"\n'
    write_tree(folder, {"infrastructure.yaml": queue, "pyproject.toml": project})
    adapter(folder, "build", "shop:app")
    taken = adapter(folder, "build", "shop:app", "--template", "taken.yaml")
    write_tree(folder, {"taken.yaml": queue.replace("Jobs", "Gateway")})
    refused = adapter(folder, "build", "shop:app", "--template", "taken.yaml")

    assert "  Jobs:\n    Type: AWS::SQS::Queue\n" in (folder / "template.yaml").read_text()
    assert taken.stderr == (
        "error: template='taken.yaml' (--template): there is no file taken.yaml.\n"
    )
    assert refused.stderr == (
        "error: taken.yaml:2: Resources has 'Gateway', which `adapter build` writes itself; give "
        "yours another name.\n"
    )
    assert refused.returncode == 2


def test_json_says_of_urls_and_managed_instances(tmp_path: Path) -> None:
    options = 'url="public-stream", capacity_provider="models"'
    folder = write_tree(tmp_path, {"shop.py": program(options, ", num_replicas=2")})

    done = adapter(folder, "build", "shop:app", "--runtime", "python3.13", "--output", "json")

    [function] = json.loads(done.stdout)["functions"]
    assert function["url"] == {"auth_type": "NONE", "invoke_mode": "RESPONSE_STREAM"}
    assert function["managed_instances"] == {
        "capacity_provider": "models",
        "min_environments": 2,
        "max_environments": 2,
        "max_concurrency": 5,
    }
    assert function["provisioned_concurrency"] is function["reserved_concurrency"] is None


def test_check_sees_a_changed_shutdown_extension(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, {"shop.py": program("shutdown_extension=True")})
    command = ("build", "shop:app", "--runtime", "python3.13")
    assert "bytes, shutdown-extension)" in adapter(folder, *command).stdout
    assert adapter(folder, *command, "--check").returncode == 0

    (folder / "layers/shutdown-extension/extensions/adapter-shutdown").chmod(0o644)

    checked = adapter(folder, *command, "--check")
    assert "layers/shutdown-extension/extensions/adapter-shutdown" in checked.stdout
    assert checked.returncode == 1


def test_shutdown_extension_goes_when_nothing_asks_for_it(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, {"shop.py": program("shutdown_extension=True")})
    adapter(folder, "build", "shop:app", "--runtime", "python3.13")

    write_tree(folder, {"shop.py": program("")})
    adapter(folder, "build", "shop:app", "--runtime", "python3.13")

    assert not (folder / "layers/shutdown-extension").exists()


def test_report_as_json(folder: Path) -> None:
    done = adapter(folder, "build", "shop:app", "--output", "json")

    report = json.loads(done.stdout)
    assert report["functions"][1] == {
        "application": "default",
        "deployment": "Model",
        "hosts": [],
        "function": "${AWS::StackName}-Model",
        "folder": "functions/model",
        "memory_mb": 512,
        "timeout_s": 30,
        "route_prefix": None,
        "called_by": ["Gateway"],
        "provisioned_concurrency": 0,
        "reserved_concurrency": 20,
        "managed_instances": None,
        "url": None,
    }
    assert "template.yaml" in report["changed"]


def test_settings_come_from_file_variable_and_flag(folder: Path) -> None:
    write_tree(folder, {"pyproject.toml": '[tool.adapter]\noutput_dir = "out"\nstage = "link"\n'})

    adapter(folder, "build", "shop:app", "--runtime", "python3.12", ADAPTER_ARCHITECTURE="arm64")

    template = (folder / "out/template.yaml").read_text()
    assert "Runtime: python3.12" in template
    assert "- arm64" in template
    assert (folder / "out/layers/application/shop.py").readlink() == Path("../../../shop.py")


def test_files_of_others_are_an_error_of_usage(folder: Path) -> None:
    write_tree(folder, {"template.yaml": "theirs"})

    done = adapter(folder, "build", "shop:app")

    assert done.returncode == 2
    assert done.stderr == (
        "error: template.yaml: not written by `adapter build`, which would replace or remove it. "
        "Move it elsewhere, or choose another folder with --output-dir.\n"
    )
    assert not (folder / "functions").exists()


def test_unknown_setting_is_an_error_of_usage(folder: Path) -> None:
    write_tree(folder, {"pyproject.toml": '[tool.adapter]\nruntme = "python3.13"\n'})

    done = adapter(folder, "build", "shop:app")

    assert done.returncode == 2
    assert "has no setting 'runtme'. Did you mean 'runtime'?" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("num_replicas=2", "2 kept warm"),
        ("autoscaling_config={'min_replicas': 1, 'max_replicas': 4}", "1 kept warm, up to 4"),
        ("num_replicas=None", "scales from zero"),
    ],
)
def test_concurrency_is_said_in_words(tmp_path: Path, options: str, words: str) -> None:
    write_tree(
        tmp_path,
        {
            "shop.py": f"""
                from adapter import serve

                @serve.deployment({options})
                class Gateway:
                    def __call__(self, request):
                        return "hello"

                app = Gateway.bind()
            """,
        },
    )

    done = adapter(tmp_path, "build", "shop:app", "--output-dir", "out")

    assert done.stdout.splitlines()[0].endswith(f"  {words}")
    assert done.stdout.splitlines()[-1] == "  Next  cd out && sam build && sam deploy"

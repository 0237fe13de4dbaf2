"""What `adapter build` writes, judged and built by AWS SAM CLI."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from adapter.template.entries import write_entries
from adapter.template.layers import shutdown_extension_layer
from tests.e2e.sam import sam, sam_path
from tests.e2e.transform import transform
from tests.template.golden import pinned
from tests.template.plans import CASES, settings

pytestmark = [pytest.mark.sam, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
LAYERS = ("AdapterLayer", "DependenciesLayer", "ApplicationLayer")


def adapter_build(output: Path, stage: str) -> Path:
    runtime = f"python3.{sys.version_info.minor}"
    subprocess.run(
        [
            *(sys.executable, "-m", "adapter.cli.main", "build", "text_service:app"),
            *("--app-dir", str(ROOT / "examples"), "--output-dir", str(output)),
            *("--stage", stage, "--runtime", runtime),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return output


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the example as a user would, and return SAM's folder of artifacts."""
    sam_path()
    project = adapter_build(tmp_path_factory.mktemp("copied"), "copy")
    sam("build", folder=project)
    return project / ".aws-sam" / "build"


def invoke(built: Path, function: str, event: dict[str, Any]) -> Any:
    """Invoke a built function in an interpreter that has nothing but its folder and layers."""
    places = [str(built / function), *(str(built / layer / "python") for layer in LAYERS)]
    code = (
        "import json, sys; sys.path[:0] = json.loads(sys.argv[1]); import app; "
        "print(json.dumps(app.handler(json.loads(sys.argv[2]), None)))"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-I", "-S", "-c", code, json.dumps(places), json.dumps(event)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_project_passes_the_linter(built: Path) -> None:
    said = sam("validate", "--lint", folder=built.parents[1])

    assert said.strip().endswith("is a valid SAM Template")


def test_built_model_answers_with_nothing_but_its_layers(built: Path) -> None:
    scores = invoke(built, "Sentiment", {"args": ["What a wonderful day"]})

    assert scores["compound"] > 0.5


def test_built_gateway_serves_http_with_nothing_but_its_layers(built: Path) -> None:
    http = {"method": "GET", "path": "/docs", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}
    answer = invoke(
        built,
        "Gateway",
        {
            "version": "2.0",
            "routeKey": "ANY /{proxy+}",
            "rawPath": "/docs",
            "rawQueryString": "",
            "headers": {"host": "api.example"},
            "requestContext": {"http": http, "stage": "$default", "domainName": "api.example"},
            "isBase64Encoded": False,
        },
    )

    assert answer["statusCode"] == 200
    assert "swagger" in answer["body"]


def test_built_wrapper_keeps_its_run_bit(built: Path) -> None:
    assert os.access(built / "AdapterLayer/python/bootstrap", os.X_OK)


@pytest.mark.parametrize("layer", ["AdapterLayer", "ApplicationLayer"])
def test_linked_layer_builds_into_the_same_code(built: Path, tmp_path: Path, layer: str) -> None:
    project = adapter_build(tmp_path / "linked", "link")

    sam("build", layer, folder=project)

    linked = project / ".aws-sam/build" / layer / "python"
    assert code(built / layer / "python").items() <= code(linked).items()
    assert os.access(linked / "bootstrap", os.X_OK) == (layer == "AdapterLayer")


def code(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.mark.parametrize("case", CASES)
def test_pinned_template_passes_the_linter(case: str, tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_bytes(pinned(case).read_bytes())

    sam("validate", "--lint", folder=tmp_path)


def test_api_reaches_the_alias_and_is_all_that_may_invoke_from_outside() -> None:
    resources = transform(pinned("concurrency").read_text())

    permissions = [
        resource["Properties"]
        for resource in resources.values()
        if resource["Type"] == "AWS::Lambda::Permission"
    ]
    assert {permission["Principal"] for permission in permissions} == {"apigateway.amazonaws.com"}
    assert [permission["FunctionName"] for permission in permissions] == [
        {"Ref": "GatewayAliaslive"},
        {"Ref": "GatewayAliaslive"},
    ]
    assert all("SourceArn" in permission for permission in permissions)


def test_only_a_public_url_admits_everybody_and_with_both_permissions() -> None:
    resources = transform(pinned("function_urls").read_text())

    urls = {name: one["Properties"] for name, one in resources.items() if name.endswith("Url")}
    assert {name: (url["AuthType"], url["InvokeMode"]) for name, url in urls.items()} == {
        "GatewayUrl": ("AWS_IAM", "RESPONSE_STREAM"),
        "PublicUrl": ("NONE", "RESPONSE_STREAM"),
        "WarmUrl": ("NONE", "BUFFERED"),
    }
    assert urls["WarmUrl"]["TargetFunctionArn"] == {"Ref": "WarmAliaslive"}
    admitted = [
        (permission["FunctionName"]["Ref"], permission["Action"], condition)
        for one in resources.values()
        if one["Type"] == "AWS::Lambda::Permission"
        and (permission := one["Properties"])["Principal"] == "*"
        for condition in ("FunctionUrlAuthType", "InvokedViaFunctionUrl")
        if condition in permission
    ]
    assert admitted == [
        ("Public", "lambda:InvokeFunctionUrl", "FunctionUrlAuthType"),
        ("Public", "lambda:InvokeFunction", "InvokedViaFunctionUrl"),
        ("WarmAliaslive", "lambda:InvokeFunctionUrl", "FunctionUrlAuthType"),
        ("WarmAliaslive", "lambda:InvokeFunction", "InvokedViaFunctionUrl"),
    ]


def test_managed_instances_run_a_published_version() -> None:
    resources = transform(pinned("managed_instances").read_text())

    gateway = resources["Gateway"]["Properties"]
    assert gateway["CapacityProviderConfig"] == {
        "LambdaManagedInstancesCapacityProviderConfig": {
            "CapacityProviderArn": (
                "arn:aws:lambda:eu-central-1:123456789012:capacity-provider:web"
            ),
            "PerExecutionEnvironmentMaxConcurrency": 64,
        },
    }
    assert versions(resources).keys() == {"Gateway", "Model"}
    for version in versions(resources).values():
        assert "FunctionScalingConfig" in resources[version]["Properties"]
    assert resources["GatewayUrl"]["Properties"]["TargetFunctionArn"] == {
        "Ref": "GatewayAliaslive",
    }


def test_extension_comes_after_the_shared_layers() -> None:
    resources = transform(pinned("managed_instances").read_text())

    layers = [layer["Ref"] for layer in resources["Model"]["Properties"]["Layers"]]
    assert [layer.rstrip("0123456789abcdef") for layer in layers[:3]] == list(LAYERS)
    assert layers[3].startswith("ShutdownExtensionLayer")
    assert len(resources["Gateway"]["Properties"]["Layers"]) == 3


@pytest.mark.parametrize("stage", ["copy", "link"])
def test_uploaded_extension_keeps_its_run_bit(tmp_path: Path, stage: str) -> None:
    """SAM does not build this layer; what it uploads is a zip of the folder."""
    layer = tmp_path / "layers" / "shutdown-extension"
    chosen = settings(output=tmp_path, stage=stage)
    write_entries(shutdown_extension_layer(chosen), layer)

    with zip_as_sam_does(layer, tmp_path / "layer") as archive:
        [entry] = archive.infolist()

    assert entry.filename == "extensions/adapter-shutdown"
    assert entry.external_attr >> 16 & 0o111 == 0o111


def zip_as_sam_does(folder: Path, name: Path) -> zipfile.ZipFile:
    code = (
        "import sys; from samcli.lib.package.utils import make_zip_with_lambda_permissions as zip; "
        "zip(sys.argv[1], sys.argv[2])"
    )
    python = Path(sam_path()).resolve().parent / "python"
    subprocess.run([python, "-c", code, str(name), str(folder)], check=True)
    return zipfile.ZipFile(f"{name}.zip")


def test_new_layers_publish_new_versions_behind_the_aliases() -> None:
    template = pinned("concurrency").read_text()

    before, after = transform(template, layers="1"), transform(template, layers="2")

    assert versions(before).keys() == {"Gateway", "Scaled"}
    assert all(versions(after)[name] != logical_id for name, logical_id in versions(before).items())
    assert versions(transform(template, layers="1")) == versions(before)


def versions(resources: dict[str, Any]) -> dict[str, str]:
    return {
        resource["Properties"]["FunctionName"]["Ref"]: logical_id
        for logical_id, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::Version"
    }


def test_scaling_waits_for_the_alias_that_the_transform_makes() -> None:
    resources = transform(pinned("concurrency").read_text())

    assert resources["ScaledScalableTarget"]["DependsOn"] in resources

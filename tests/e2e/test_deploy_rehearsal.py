"""Everything of a deployment but AWS: SAM CLI builds and uploads, moto makes what it uploads."""

import ast
import json
import os
import re
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from adapter.stack.comparison import compare
from adapter.template.cloudformation import read_template
from tests.aws import ACCOUNT, REGION, ROOT, Aws, region
from tests.e2e.sam import sam_environment, sam_path
from tests.e2e.transform import transform
from tests.template.trees import write_tree

__all__ = ["region"]

pytestmark = [pytest.mark.sam, pytest.mark.timeout(600)]

BUCKET = "uploads"
PROGRAM = """
from adapter import serve


@serve.deployment(num_replicas=2)
class Prices:
    def __call__(self, fruit: str) -> int:
        return {"apple": 3}[fruit]


@serve.deployment(autoscaling_config={"min_replicas": 0, "max_replicas": 5})
class Stock:
    def __call__(self, fruit: str) -> int:
        return 7


@serve.deployment(lambda_options=serve.LambdaOptions(url="stream"))
class Shop:
    def __init__(self, prices, stock):
        self.prices, self.stock = prices, stock

    async def __call__(self, request):
        return {"price": await self.prices.remote("apple")}


app = Shop.bind(Prices.bind(), Stock.bind())
"""


class Rehearsal(NamedTuple):
    """What was built, uploaded and made of a project, under the name of its stack."""

    stack: str
    template: dict[str, Any]  # as CloudFormation sees it, after the transform
    aws: Aws
    unpacked: Path

    def client(self, service: str) -> Any:
        return self.aws.client(service)

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        return {
            name: one["Properties"]
            for name, one in self.template["Resources"].items()
            if one["Type"] == kind
        }


def sam(folder: Path, aws: Aws, *arguments: str) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    done = subprocess.run(
        [sam_path(), *arguments],
        cwd=folder,
        env={
            **sam_environment(),
            **keys,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_S3": aws.moto,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def rehearse(aws: Aws, folder: Path, stack: str, target: str, *options: str) -> Rehearsal:
    """Deploy as far as it goes without AWS."""
    urllib.request.urlopen(f"{aws.moto}/moto-api/reset", data=b"", timeout=30).close()
    project = folder / "project"
    runtime = f"python3.{sys.version_info.minor}"
    built = aws.run(
        folder,
        *("build", target, "--output-dir", str(project), "--runtime", runtime),
        *("--stack-name", stack, *options),
    )
    assert built.returncode == 0, built.stdout + built.stderr
    location = {"LocationConstraint": REGION}
    aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=location)
    sam(project, aws, "build")
    packaged = ("--output-template-file", "packaged.yaml", "--region", REGION)
    sam(project, aws, "package", "--s3-bucket", BUCKET, *packaged)
    template = transformed((project / "packaged.yaml").read_text())
    aws.create_stack(stack, template)
    return Rehearsal(stack, template, aws, folder / "unpacked")


def transformed(packaged: str) -> dict[str, Any]:
    """Apply the SAM transform. Outputs are left out: moto does not have APIs and URLs."""
    return {"Resources": transform(packaged)}


@pytest.fixture(scope="module", params=["example", "shop"])
def rehearsal(
    request: pytest.FixtureRequest,
    region: Aws,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Rehearsal]:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "example":
        examples = ROOT / "examples"
        yield rehearse(region, folder, "text", "text_service:app", "--app-dir", str(examples))
    else:
        write_tree(folder / "src", {"shop.py": PROGRAM, "requirements.txt": ""})
        yield rehearse(region, folder, "shop", "shop:app", "--app-dir", str(folder / "src"))


def test_every_function_is_there_as_the_template_has_it(rehearsal: Rehearsal) -> None:
    client = rehearsal.client("lambda")
    wanted = rehearsal.of_type("AWS::Lambda::Function")

    assert len(wanted) == 3
    for logical_id, properties in wanted.items():
        found = client.get_function(FunctionName=f"{rehearsal.stack}-{logical_id}")
        configuration = found["Configuration"]
        assert configuration["Handler"] == properties["Handler"]
        assert configuration["MemorySize"] == properties["MemorySize"]
        assert configuration["Timeout"] == properties["Timeout"]
        variables = configuration["Environment"]["Variables"]
        assert variables["ADAPTER_FUNCTION_PREFIX"] == f"{rehearsal.stack}-"
        reserved = found.get("Concurrency", {}).get("ReservedConcurrentExecutions")
        assert reserved == properties.get("ReservedConcurrentExecutions")


def test_each_function_has_a_role_of_its_own_and_nothing_for_everything(
    rehearsal: Rehearsal,
) -> None:
    client = rehearsal.client("lambda")
    functions = client.list_functions()["Functions"]

    roles = [one["Role"].rpartition("/")[2] for one in functions]
    assert len(set(roles)) == len(functions)
    for function, role in zip(functions, roles, strict=True):
        assert (
            rehearsal.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
            == []
        )
        for statement in statements(rehearsal, role):
            check_statement(rehearsal, statement, function["FunctionName"])


def check_statement(rehearsal: Rehearsal, statement: dict[str, Any], function: str) -> None:
    """A function writes its own log and invokes what it has handles to, by exact ARNs."""
    assert statement["Effect"] == "Allow"
    actions = listed(statement["Action"])
    resources = listed(statement["Resource"])
    assert not any("*" in action for action in actions)
    if actions == ["lambda:InvokeFunction"]:
        prefix = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{rehearsal.stack}-"
        assert all(one.startswith(prefix) and "*" not in one for one in resources)
    else:
        assert set(actions) == {"logs:CreateLogStream", "logs:PutLogEvents"}
        # The group's own streams, which is what ARNs of log groups end in.
        group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{function}"
        assert [one.removesuffix(":*") for one in resources] == [group]


def statements(rehearsal: Rehearsal, role: str) -> list[dict[str, Any]]:
    client = rehearsal.client("iam")
    documents = [
        client.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in client.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    # Moto writes what came by a template as Python does, not as JSON.
    return [one for text in documents for one in ast.literal_eval(text)["Statement"]]


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_the_gateway_may_invoke_its_callees_and_they_nobody(rehearsal: Rehearsal) -> None:
    allowed: dict[str, set[str]] = {}
    for function in rehearsal.client("lambda").list_functions()["Functions"]:
        name = function["FunctionName"].removeprefix(f"{rehearsal.stack}-")
        role = function["Role"].rpartition("/")[2]
        allowed[name] = {
            arn.rpartition(f"{rehearsal.stack}-")[2]
            for statement in statements(rehearsal, role)
            for arn in listed(statement["Resource"])
            if listed(statement["Action"]) == ["lambda:InvokeFunction"]
        }

    expected: dict[str, dict[str, set[str]]] = {
        "text": {"Gateway": {"Keywords", "Sentiment"}, "Keywords": set(), "Sentiment": set()},
        "shop": {"Shop": {"Prices", "Prices:live", "Stock"}, "Prices": set(), "Stock": set()},
    }
    assert allowed == expected[rehearsal.stack]


def test_roles_are_assumed_by_lambda_alone(rehearsal: Rehearsal) -> None:
    for role in rehearsal.client("iam").list_roles()["Roles"]:
        [statement] = role["AssumeRolePolicyDocument"]["Statement"]
        assert listed(statement["Principal"]["Service"]) == ["lambda.amazonaws.com"]


def test_log_groups_forget(rehearsal: Rehearsal) -> None:
    groups = rehearsal.client("logs").describe_log_groups()["logGroups"]

    assert {one["logGroupName"] for one in groups} == {
        f"/aws/lambda/{rehearsal.stack}-{name}"
        for name in rehearsal.of_type("AWS::Lambda::Function")
    }
    assert {one["retentionInDays"] for one in groups} == {30}


def test_layers_are_there_and_every_function_has_them(rehearsal: Rehearsal) -> None:
    client = rehearsal.client("lambda")
    found = client.list_layers()["Layers"]  # moto does not take their names from the template
    wanted = rehearsal.of_type("AWS::Lambda::LayerVersion").values()

    assert {one["LayerName"]["Fn::Sub"] for one in wanted} == {
        f"${{AWS::StackName}}-{name}" for name in ("adapter", "application", "dependencies")
    }
    assert sorted(one["LatestMatchingVersion"]["Description"] for one in found) == sorted(
        one["Description"] for one in wanted
    )
    for properties in rehearsal.of_type("AWS::Lambda::Function").values():
        layers = [one["Ref"] for one in properties["Layers"]]
        assert [rehearsal.template["Resources"][one]["Type"] for one in layers] == [
            "AWS::Lambda::LayerVersion",
        ] * 3


def test_an_alias_points_at_a_version_and_is_what_is_kept_warm(rehearsal: Rehearsal) -> None:
    """Moto makes no aliases of templates; what the template asks for is asked of its API."""
    client = rehearsal.client("lambda")
    aliases = rehearsal.of_type("AWS::Lambda::Alias")

    assert list(aliases) == (["PricesAliaslive"] if rehearsal.stack == "shop" else [])
    for properties in aliases.values():
        function = f"{rehearsal.stack}-{properties['FunctionName']['Ref']}"
        version, attribute = properties["FunctionVersion"]["Fn::GetAtt"]
        assert attribute == "Version"
        assert rehearsal.template["Resources"][version]["Type"] == "AWS::Lambda::Version"
        newest = client.list_versions_by_function(FunctionName=function)["Versions"][-1]["Version"]
        client.create_alias(FunctionName=function, Name=properties["Name"], FunctionVersion=newest)
        [found] = client.list_aliases(FunctionName=function)["Aliases"]
        assert (found["Name"], found["FunctionVersion"]) == ("live", newest)
        assert properties["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": 2}


def test_only_the_api_may_invoke_from_outside(rehearsal: Rehearsal) -> None:
    permissions = rehearsal.of_type("AWS::Lambda::Permission").values()

    assert {one["Principal"] for one in permissions} <= {"apigateway.amazonaws.com"}
    for url in rehearsal.of_type("AWS::Lambda::Url").values():
        assert url["AuthType"] == "AWS_IAM"


def test_every_handler_is_imported_from_its_zip_and_layers_alone(rehearsal: Rehearsal) -> None:
    functions = rehearsal.of_type("AWS::Lambda::Function")
    for name, properties in functions.items():
        places = [unpack(rehearsal, properties["Code"])]
        for layer in properties["Layers"]:
            content = rehearsal.template["Resources"][layer["Ref"]]["Properties"]["Content"]
            places.append(unpack(rehearsal, content) / "python")
        said = import_handler(places, properties["Handler"], name)
        assert said == {"handler": True, "elsewhere": []}


def unpack(rehearsal: Rehearsal, code: dict[str, str]) -> Path:
    """Unpack an upload as Lambda does."""
    place = rehearsal.unpacked / re.sub(r"\W", "_", code["S3Key"])
    if not place.exists():
        place.mkdir(parents=True)
        body = rehearsal.client("s3").get_object(Bucket=code["S3Bucket"], Key=code["S3Key"])
        archive = place.with_suffix(".zip")
        archive.write_bytes(body["Body"].read())
        with zipfile.ZipFile(archive) as content:
            content.extractall(place)
    return place


# Given only the folders and the standard library; tells what was imported from elsewhere.
IMPORT = """
import importlib, json, sys
places, module, attribute = json.loads(sys.argv[1])
standard = list(sys.path)
sys.path[:0] = places
handler = getattr(importlib.import_module(module), attribute)
files = [getattr(one, "__file__", None) or "" for one in list(sys.modules.values())]
allowed = (*places, *standard, "<")
print(json.dumps({
    "handler": callable(handler),
    "elsewhere": [one for one in files if one and not one.startswith(allowed)],
}))
"""


def import_handler(places: list[Path], handler: str, name: str) -> dict[str, Any]:
    module, _, attribute = handler.rpartition(".")
    argument = json.dumps([[str(place) for place in places], module, attribute])
    done = subprocess.run(
        [sys.executable, "-B", "-I", "-S", "-c", IMPORT, argument],
        env={
            "PATH": os.defpath,
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "ADAPTER_APPLICATION": "default",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_the_wrapper_keeps_its_run_bit_in_the_upload(rehearsal: Rehearsal) -> None:
    [content] = [
        one["Content"]
        for name, one in rehearsal.of_type("AWS::Lambda::LayerVersion").items()
        if name.startswith("AdapterLayer")
    ]
    unpack(rehearsal, content)
    archive = rehearsal.unpacked / f"{re.sub(r'[^A-Za-z0-9_]', '_', content['S3Key'])}.zip"

    with zipfile.ZipFile(archive) as uploaded:
        entry = uploaded.getinfo("python/bootstrap")
    assert entry.external_attr >> 16 & 0o111 == 0o111


def test_the_uploaded_template_is_the_built_one_to_diff(rehearsal: Rehearsal) -> None:
    """`adapter diff` against what `sam package` has made of a template shows no change."""
    project = rehearsal.unpacked.parent / "project"
    packaged = read_template((project / "packaged.yaml").read_text())
    written = read_template((project / "template.yaml").read_text())

    assert not compare(packaged, written)

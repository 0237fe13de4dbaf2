"""The SAM transform, which CloudFormation applies to a template before it reads it."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.sam import sam_environment, sam_path

# Run by the interpreter that SAM CLI is installed in, with SAM CLI's own translator. The argument
# stands for the content of the layers, as the S3 key of an upload does.
_TRANSFORM = """
import json, sys
from boto3.session import Session
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

def uploaded(place):
    return place if place.startswith("s3://") else "s3://bucket/" + place

template = yaml_parse(sys.stdin.read())
for resource in template["Resources"].values():
    properties = resource.get("Properties", {})
    if "CodeUri" in properties:
        properties["CodeUri"] = uploaded(properties["CodeUri"])
    if properties.get("PackageType") == "Image":
        properties["ImageUri"] = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/repository:tag"
    if "ContentUri" in properties:
        properties["ContentUri"] = uploaded(properties["ContentUri"]) + sys.argv[1]
translator = Translator({}, Parser(), boto_session=Session(region_name="eu-central-1"))
print(json.dumps(translator.translate(template, {})))
"""


def transform(template: str, *, layers: str = "") -> dict[str, Any]:
    """Return the resources that CloudFormation gets to see; `layers` varies their content."""
    done = subprocess.run(
        [str(Path(sam_path()).resolve().parent / "python"), "-c", _TRANSFORM, layers],
        env=sam_environment(),
        input=template,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    resources: dict[str, Any] = json.loads(done.stdout)["Resources"]
    return resources

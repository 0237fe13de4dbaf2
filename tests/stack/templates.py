"""Small templates, and what their comparison says."""

import copy
from typing import Any

from adapter.stack.comparison import Comparison, compare

ARN = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-"


def function(name: str, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "FunctionName": {"Fn::Sub": f"${{AWS::StackName}}-{name}"},
            "CodeUri": f"functions/{name.lower()}/",
            **properties,
        },
    }


def template(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


def allow(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


def invoke(*names: str) -> dict[str, Any]:
    return allow("lambda:InvokeFunction", [{"Fn::Sub": ARN + name} for name in names])


def route(api: str = "HttpApi", **auth: Any) -> dict[str, Any]:
    properties = {"ApiId": {"Ref": api}, "Method": "ANY", "Path": "/", "Auth": auth}
    return {"Type": "HttpApi", "Properties": properties}


def changed(old: dict[str, Any], **resources: Any) -> dict[str, Any]:
    """Copy a template with other properties in its resources."""
    new = copy.deepcopy(old)
    for name, properties in resources.items():
        new["Resources"][name]["Properties"] |= properties
    return new


def lines(compared: Comparison) -> list[str]:
    return [f"{change.mark} {change.name}: {change.what}" for change in compared.changes]


def access(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return list(compare(old, new).access)

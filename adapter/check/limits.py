"""Hard limits of Lambda and CloudFormation."""

from collections.abc import Iterator, Mapping
from typing import Any

from adapter.check.stack import SAM_FUNCTION, Resource, Stack, items, mapping, text
from adapter.check.values import Fault
from adapter.template.cloudformation import write_template

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_LAYERS = 5
MAX_NAME = 64
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MAX_TEMPLATE_BYTES = 1_000_000  # 1 MB from S3
MAX_RESOURCES = 500
# What the SAM transform makes of one resource, besides what `_generated` counts.
_TRANSFORMED = {
    "AWS::Serverless::Api": 3,  # API, deployment, stage
    "AWS::Serverless::HttpApi": 2,
    "AWS::Serverless::CapacityProvider": 2,
}


def layers(stack: Stack) -> Iterator[Fault]:
    """A function takes five layers, those of Globals among them."""
    for function in stack.functions:
        count = len(items(function.properties.get("Layers")))
        if count > MAX_LAYERS:
            yield Fault(
                function.where,
                f"the function has {count} layers; Lambda allows {MAX_LAYERS}, and three are the "
                "build's own.",
                "Join layers, or put what they hold into requirements.txt.",
                function.logical_id,
            )


def names(stack: Stack) -> Iterator[Fault]:
    """A function's name has 64 characters at most, the stack's name among them."""
    for function in stack.functions:
        written = text(function.properties.get("FunctionName")) or ""
        for stack_name in stack.stack_names or ("",):
            name = written.replace("${AWS::StackName}", stack_name)
            if "${" not in name and len(name) > MAX_NAME:
                yield Fault(
                    function.where,
                    f"its function would be called {name!r}, which has {len(name)} characters; "
                    f"Lambda allows {MAX_NAME}.",
                    "Shorten the name of the deployment or that of the stack (--stack-name).",
                    function.logical_id,
                )
                break


def template_size(stack: Stack) -> Iterator[Fault]:
    """CloudFormation takes a template of 1 MB."""
    size = len(write_template(stack.template).encode())
    if size > MAX_TEMPLATE_BYTES:
        yield Fault(
            "",
            f"the template has {size:,} bytes; CloudFormation allows {MAX_TEMPLATE_BYTES:,}.",
            "Deploy some of the applications as a stack of their own.",
        )


def resource_count(stack: Stack) -> Iterator[Fault]:
    """CloudFormation takes 500 resources, counted after the SAM transform."""
    count = sum(_transformed(one) for one in stack.resources)
    if count > MAX_RESOURCES:
        yield Fault(
            "",
            f"the template becomes about {count:,} resources; CloudFormation allows "
            f"{MAX_RESOURCES}.",
            "Deploy some of the applications as a stack of their own.",
        )


def _transformed(resource: Resource) -> int:
    if resource.type == "AWS::Serverless::WebSocketApi":  # route, integration and permission each
        return 2 + 3 * len(mapping(resource.properties.get("Routes")))
    if resource.type != SAM_FUNCTION:
        return _TRANSFORMED.get(resource.type, 1)
    return 1 + _generated(resource.properties)


def _of_event(event: Mapping[str, Any]) -> int:
    """Count what SAM makes of an event: of most a permission or a mapping, of some two."""
    return 2 if event.get("Type") in ("ScheduleV2", "EventBridgeRule") else 1


def _generated(function: Mapping[str, Any]) -> int:
    """Count what SAM makes for one function: role, version and alias, URL, permissions."""
    url = mapping(function.get("FunctionUrlConfig"))
    public_url = url.get("AuthType") == "NONE"
    return (
        ("Role" not in function)
        + 2 * ("AutoPublishAlias" in function)
        + bool(url)
        + 2 * public_url
        + sum(_of_event(mapping(one)) for one in mapping(function.get("Events")).values())
        + ("EventInvokeConfig" in function)
    )

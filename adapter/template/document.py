"""The plan of a stack as a SAM template, in plain data."""

from typing import Any

from adapter.plan.values import FunctionPlan, StackPlan
from adapter.template.capacity_providers import capacity_provider_resources
from adapter.template.cloudformation import Ref, Sub
from adapter.template.event_sources import event_source_outputs, event_source_resources
from adapter.template.fronts import front_outputs, front_resources
from adapter.template.function_resource import (
    Shared,
    function_resources,
    globals_of,
    shared_by_all,
)
from adapter.template.infrastructure import with_infrastructure
from adapter.template.layer_resources import layer_resources
from adapter.template.names import taken_ids
from adapter.template.payload_bucket import payload_resources
from adapter.template.settings import BuildSettings
from adapter.template.socket_api import socket_outputs, socket_resources


def describe(plan: StackPlan, settings: BuildSettings) -> dict[str, Any]:
    """Return the template of a stack; names and ids have been checked before.

    Raises `BuildError` for mistakes in the user's own part of it.
    """
    shared = shared_by_all(plan, settings)
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Description": f"{plan.target} on AWS Lambda",
        "Globals": globals_of(shared),
        "Resources": _resources(plan, settings, shared),
        "Outputs": _outputs(plan),
    }
    if settings.template is None:
        return template
    return with_infrastructure(template, settings.template, taken_ids(plan))


def _resources(
    plan: StackPlan,
    settings: BuildSettings,
    shared: Shared,
) -> dict[str, Any]:
    resources = front_resources(plan) | socket_resources(plan) | payload_resources(plan)
    for function in plan.functions:
        resources |= function_resources(plan, function, shared, settings)
    resources |= event_source_resources(plan)
    resources |= capacity_provider_resources(plan, settings)
    return {**resources, **layer_resources(plan, settings)}


def _outputs(plan: StackPlan) -> dict[str, Any]:
    outputs = front_outputs(plan) | socket_outputs(plan)
    for function in plan.functions:
        outputs |= _function_outputs(plan, function)
    return outputs | event_source_outputs(plan)


def _function_outputs(plan: StackPlan, function: FunctionPlan) -> dict[str, Any]:
    outputs: dict[str, Any] = {}
    if function.url is not None:
        route_prefix = plan.application(function.application).route_prefix
        prefix = (route_prefix or "/") if function.is_ingress else "/"
        who = "public" if function.url.public else "for signed requests"
        outputs[f"{function.logical_id}Url"] = {
            "Description": f"Function URL of {_deployments(function)}, {who}",
            # The attribute ends in a slash.
            "Value": Sub(f"${{{function.logical_id}Url.FunctionUrl}}{prefix.lstrip('/')}"),
        }
    name: Ref | Sub = Ref(function.logical_id)
    if alias := function.alias:  # without it nothing warm is reached
        name = Sub(f"${{{function.logical_id}}}:{alias}")
    outputs[f"{function.logical_id}Function"] = {
        "Description": f"Function of {_deployments(function)}",
        "Value": name,
    }
    return outputs


def _deployments(function: FunctionPlan) -> str:
    several = "s" if function.hosts else ""
    return f"deployment{several} {', '.join(function.deployments)}"

"""An application's plan as a SAM template, in plain data."""

from collections.abc import Mapping, Sequence
from typing import Any

from adapter.plan.values import ApplicationPlan, FunctionPlan
from adapter.template.cloudformation import Ref, Sub
from adapter.template.function_resource import (
    Shared,
    environment,
    environment_property,
    function_resources,
    sizes,
)
from adapter.template.names import LAYERS, api_id, application_id, layers_of
from adapter.template.settings import BuildSettings

_LAYER_DESCRIPTIONS = {
    "adapter": "The adapter's run-time part and its exec wrapper",
    "dependencies": "Third-party packages of the functions",
    "application": "Source and data of the application",
    "shutdown-extension": "Makes Lambda send SIGTERM before it ends an environment",
}


def describe(plan: ApplicationPlan, settings: BuildSettings) -> dict[str, Any]:
    """Return the template of an application; names and ids have been checked before."""
    shared = _shared(plan)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Description": f"{plan.target} on AWS Lambda",
        "Globals": {"Function": _globals(plan, settings, shared)},
        "Resources": _resources(plan, settings, shared),
        "Outputs": _outputs(plan),
    }


def _shared(plan: ApplicationPlan) -> Shared:
    return Shared(
        sizes=_common([sizes(one) for one in plan.functions]),
        variables=_common([environment(plan, one) for one in plan.functions]),
    )


def _common(every: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first, *others = every
    return {
        name: value
        for name, value in first.items()
        if all(other.get(name) == value for other in others)
    }


def _globals(
    plan: ApplicationPlan,
    settings: BuildSettings,
    shared: Shared,
) -> dict[str, Any]:
    return {
        "Handler": plan.functions[0].handler,  # one name for all: it avoids the user's modules
        "Runtime": settings.runtime,
        "Architectures": [settings.architecture],
        **shared.sizes,
        "Layers": [Ref(layer) for layer in LAYERS.values()],
        **environment_property(shared.variables),
    }


def _resources(
    plan: ApplicationPlan,
    settings: BuildSettings,
    shared: Shared,
) -> dict[str, Any]:
    resources: dict[str, Any] = {}
    if plan.route_prefix is not None:
        resources[api_id(plan)] = {"Type": "AWS::Serverless::HttpApi"}
    for function in plan.functions:
        resources |= function_resources(plan, function, shared)
    aliases = any(function.concurrency.alias for function in plan.functions)
    for name, logical_id in layers_of(plan).items():
        resources[logical_id] = _layer(name, settings, aliases=aliases)
    return resources


def _layer(name: str, settings: BuildSettings, *, aliases: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "LayerName": Sub(f"${{AWS::StackName}}-{name}"),
        "Description": _LAYER_DESCRIPTIONS[name],
        "ContentUri": f"layers/{name}/",
        "CompatibleArchitectures": [settings.architecture],
        "CompatibleRuntimes": [settings.runtime],
        "RetentionPolicy": "Delete",
    }
    if aliases:
        properties["PublishLambdaVersion"] = True  # a new layer moves the aliases on
    return {
        "Type": "AWS::Serverless::LayerVersion",
        **_build_method(name, settings),
        "Properties": properties,
    }


def _build_method(name: str, settings: BuildSettings) -> dict[str, Any]:
    """Let `sam build` make a layer of Python; what it does not build it ships as it is."""
    if name not in LAYERS:
        return {}
    return {
        "Metadata": {
            "BuildArchitecture": settings.architecture,
            "BuildMethod": settings.runtime,
        },
    }


def _outputs(plan: ApplicationPlan) -> dict[str, Any]:
    outputs: dict[str, Any] = {}
    if plan.route_prefix is not None:
        outputs[f"{application_id(plan)}Url"] = {
            "Description": f"Where HTTP reaches {plan.target}",
            "Value": Sub(f"${{{api_id(plan)}.ApiEndpoint}}{plan.route_prefix}"),
        }
    for function in plan.functions:
        outputs |= _function_outputs(plan, function)
    return outputs


def _function_outputs(plan: ApplicationPlan, function: FunctionPlan) -> dict[str, Any]:
    outputs: dict[str, Any] = {}
    if function.url is not None:
        prefix = (plan.route_prefix or "/") if function.is_ingress else "/"
        who = "public" if function.url.public else "for signed requests"
        outputs[f"{function.logical_id}Url"] = {
            "Description": f"Function URL of deployment {function.deployment}, {who}",
            # The attribute ends in a slash.
            "Value": Sub(f"${{{function.logical_id}Url.FunctionUrl}}{prefix.lstrip('/')}"),
        }
    name: Ref | Sub = Ref(function.logical_id)
    if alias := function.concurrency.alias:  # without it nothing warm is reached
        name = Sub(f"${{{function.logical_id}}}:{alias}")
    outputs[f"{function.logical_id}Function"] = {
        "Description": f"Function of deployment {function.deployment}",
        "Value": name,
    }
    return outputs

"""One function of the template: its properties, and the resources that exist for it alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapter.plan.values import FunctionPlan, StackPlan, alias_variables
from adapter.template.asynchronous import event_invoke_config, failure_queue
from adapter.template.callees import callees
from adapter.template.capacity_providers import linter_metadata, managed_instances
from adapter.template.cloudformation import GetAtt, Ref, Sub
from adapter.template.event_sources import event_source_variables, with_event_sources
from adapter.template.fronts import front_events, url_property
from adapter.template.images import image_metadata, image_properties
from adapter.template.layer_resources import further_layers, layers_for
from adapter.template.log_group import log_group, logging_config
from adapter.template.payload_bucket import payload_variables
from adapter.template.platforms import platform_of
from adapter.template.role import role, role_id
from adapter.template.secrets import secret_variables
from adapter.template.settings import BuildSettings
from adapter.template.tracing import tracing_property
from adapter.template.vpc import vpc_property

# The exec wrapper of layers/adapter; layers are unpacked into /opt.
EXEC_WRAPPER = "/opt/python/bootstrap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all functions have in common, and so is said once, under Globals."""

    properties: Mapping[str, Any]
    variables: Mapping[str, Any]


def shared_by_all(stack: StackPlan, settings: BuildSettings) -> Shared:
    """Return what the functions of a stack have in common."""
    return Shared(
        properties=_common([_usual(one, settings) for one in stack.functions]),
        variables=_common([environment(stack, one) for one in stack.functions]),
    )


def globals_of(shared: Shared) -> dict[str, Any]:
    """Return the section Globals."""
    return {"Function": {**shared.properties, **_environment_property(shared.variables)}}


def function_resources(
    stack: StackPlan,
    function: FunctionPlan,
    shared: Shared,
    settings: BuildSettings,
) -> dict[str, Any]:
    """Return a function and what exists for it alone, by logical id."""
    metadata = {**image_metadata(function, settings), **linter_metadata(function)}
    resource = {
        "Type": "AWS::Serverless::Function",
        **({"Metadata": metadata} if metadata else {}),
        "Properties": _properties(stack, function, shared, settings),
    }
    return {
        function.logical_id: resource,
        **role(stack, function),
        **log_group(function),
        **failure_queue(function),
        **_scaling(function),
    }


def environment(stack: StackPlan, function: FunctionPlan) -> dict[str, str | Sub]:
    """Return the variables of a function, sorted by name."""
    variables = {name: _literal(value) for name, value in function.environment.items()}
    variables["ADAPTER_FUNCTION_PREFIX"] = Sub("${AWS::StackName}-")
    variables |= alias_variables(callees(stack, function))
    variables |= payload_variables(function)
    variables |= event_source_variables(function) | secret_variables(function)
    if function.exec_wrapper and function.package == "zip":  # an image has an entry point instead
        variables["AWS_LAMBDA_EXEC_WRAPPER"] = EXEC_WRAPPER
    return dict(sorted(variables.items()))


def _literal(value: str) -> str | Sub:
    """Keep a user's `${...}` as it is: cfn-lint takes it for a forgotten `!Sub`."""
    return Sub(value.replace("${", "${!")) if "${" in value else value


def _common(every: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first, *others = every
    return {
        name: value
        for name, value in first.items()
        if all(other.get(name) == value for other in others)
    }


def _usual(function: FunctionPlan, settings: BuildSettings) -> dict[str, Any]:
    """Return the properties that are mostly the same for all functions of a stack."""
    platform = platform_of(function, settings)
    zipped = {"Handler": function.handler, "Runtime": platform.runtime}
    return {
        **(zipped if function.package == "zip" else {}),
        "Architectures": [platform.architecture],
        "MemorySize": function.memory_mb,
        "Timeout": function.timeout_s,
        **layers_for(function, settings),
    }


def _environment_property(variables: Mapping[str, str | Sub]) -> dict[str, Any]:
    return {"Environment": {"Variables": dict(variables)}} if variables else {}


def _properties(
    stack: StackPlan,
    function: FunctionPlan,
    shared: Shared,
    settings: BuildSettings,
) -> dict[str, Any]:
    usual = _usual(function, settings)
    own = {name: value for name, value in usual.items() if name not in shared.properties}
    variables = environment(stack, function)
    own_variables = {name: one for name, one in variables.items() if name not in shared.variables}
    # SAM adds these to the layers of Globals.
    layers = [*own.pop("Layers", []), *further_layers(function)]
    return {
        "FunctionName": Sub(f"${{AWS::StackName}}-{function.name}"),
        **_code(function),
        "Role": GetAtt(role_id(function), "Arn"),
        **own,
        **_ephemeral_storage(function),
        **_environment_property(own_variables),
        **({"Layers": layers} if layers else {}),
        **_concurrency(function),
        **_snap_start(function),
        **vpc_property(function),
        **logging_config(function),
        **tracing_property(function),
        **event_invoke_config(function),
        **url_property(function),
        **with_event_sources(front_events(stack, function), function),
    }


def _code(function: FunctionPlan) -> dict[str, Any]:
    if function.package == "image":
        return image_properties(function)
    return {"CodeUri": f"functions/{function.folder}/"}


def _ephemeral_storage(function: FunctionPlan) -> dict[str, Any]:
    size = function.ephemeral_storage_mb
    return {} if size == 512 else {"EphemeralStorage": {"Size": size}}


def _concurrency(function: FunctionPlan) -> dict[str, Any]:
    wanted = function.concurrency
    if wanted.managed:
        return {**_alias(function), **managed_instances(function)}
    properties: dict[str, Any] = {}
    if wanted.maximum is not None:
        properties["ReservedConcurrentExecutions"] = wanted.maximum
    properties |= _alias(function)
    if wanted.provisioned:
        properties["ProvisionedConcurrencyConfig"] = {
            "ProvisionedConcurrentExecutions": wanted.provisioned,
        }
    return properties


def _alias(function: FunctionPlan) -> dict[str, Any]:
    if function.alias is None:
        return {}
    # By itself SAM publishes a version when the function's own folder changes. The code is in the
    # layers, so the alias would stay at the first version for ever; see also `layer_resources`.
    return {
        "AutoPublishAlias": function.alias,
        "AutoPublishAliasAllProperties": True,
    }


def _snap_start(function: FunctionPlan) -> dict[str, Any]:
    """Return the properties for snapshots, which Lambda takes of published versions only.

    SAM would keep all versions, and their snapshots are billed.
    https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
    """
    if not function.snap_start:
        return {}
    return {
        "SnapStart": {"ApplyOn": "PublishedVersions"},
        "VersionDeletionPolicy": "Delete",
    }


def _scaling(function: FunctionPlan) -> dict[str, Any]:
    """Let the provisioned environments follow the use of them.

    https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
    """
    wanted, logical_id = function.concurrency, function.logical_id
    if not wanted.scales:
        return {}
    target = {
        "ServiceNamespace": "lambda",
        "ScalableDimension": "lambda:function:ProvisionedConcurrency",
        "ResourceId": Sub(f"function:${{{logical_id}}}:{function.alias}"),
        "MinCapacity": wanted.provisioned,
        "MaxCapacity": wanted.maximum,
    }
    policy = {
        "PolicyName": Sub(f"${{AWS::StackName}}-{function.name}"),
        "PolicyType": "TargetTrackingScaling",
        "ScalingTargetId": Ref(f"{logical_id}ScalableTarget"),
        "TargetTrackingScalingPolicyConfiguration": {
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization",
            },
            "TargetValue": wanted.target_utilization,
        },
    }
    return {
        f"{logical_id}ScalableTarget": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "DependsOn": f"{logical_id}Alias{function.alias}",  # made by the SAM transform
            "Properties": target,
        },
        f"{logical_id}ScalingPolicy": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": policy,
        },
    }

"""An application's plan as a SAM template, in plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapter.plan.values import ApplicationPlan, FunctionPlan, alias_variables
from adapter.template.cloudformation import Ref, Sub
from adapter.template.names import LAYERS, api_id, application_id
from adapter.template.settings import BuildSettings

# The exec wrapper of layers/adapter; layers are unpacked into /opt.
EXEC_WRAPPER = "/opt/python/bootstrap"

_LAYER_DESCRIPTIONS = {
    "adapter": "The adapter's run-time part and its exec wrapper",
    "dependencies": "Third-party packages of the functions",
    "application": "Source and data of the application",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What all functions have in common, and so is said once, under Globals."""

    sizes: Mapping[str, Any]
    variables: Mapping[str, Any]


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


def environment(plan: ApplicationPlan, function: FunctionPlan) -> dict[str, str | Sub]:
    """Return the variables of a function, sorted by name."""
    variables = {name: _literal(value) for name, value in function.environment.items()}
    variables["ADAPTER_FUNCTION_PREFIX"] = Sub("${AWS::StackName}-")
    variables |= alias_variables(_callees(plan, function))
    if function.exec_wrapper:
        variables["AWS_LAMBDA_EXEC_WRAPPER"] = EXEC_WRAPPER
    return dict(sorted(variables.items()))


def _literal(value: str) -> str | Sub:
    """Keep a user's `${...}` as it is: cfn-lint takes it for a forgotten `!Sub`."""
    return Sub(value.replace("${", "${!")) if "${" in value else value


def _shared(plan: ApplicationPlan) -> _Shared:
    return _Shared(
        sizes=_common([_sizes(one) for one in plan.functions]),
        variables=_common([environment(plan, one) for one in plan.functions]),
    )


def _common(every: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first, *others = every
    return {
        name: value
        for name, value in first.items()
        if all(other.get(name) == value for other in others)
    }


def _sizes(function: FunctionPlan) -> dict[str, int]:
    return {"MemorySize": function.memory_mb, "Timeout": function.timeout_s}


def _globals(
    plan: ApplicationPlan,
    settings: BuildSettings,
    shared: _Shared,
) -> dict[str, Any]:
    return {
        "Handler": plan.functions[0].handler,  # one name for all: it avoids the user's modules
        "Runtime": settings.runtime,
        "Architectures": [settings.architecture],
        **shared.sizes,
        "Layers": [Ref(layer) for layer in LAYERS.values()],
        **_environment(shared.variables),
    }


def _environment(variables: Mapping[str, str | Sub]) -> dict[str, Any]:
    return {"Environment": {"Variables": dict(variables)}} if variables else {}


def _resources(
    plan: ApplicationPlan,
    settings: BuildSettings,
    shared: _Shared,
) -> dict[str, Any]:
    resources: dict[str, Any] = {}
    if plan.route_prefix is not None:
        resources[api_id(plan)] = {"Type": "AWS::Serverless::HttpApi"}
    for function in plan.functions:
        resources[function.logical_id] = _function(plan, function, shared)
        resources |= _scaling(function)
    aliases = any(function.concurrency.alias for function in plan.functions)
    for name, logical_id in LAYERS.items():
        resources[logical_id] = _layer(name, settings, aliases=aliases)
    return resources


def _function(
    plan: ApplicationPlan,
    function: FunctionPlan,
    shared: _Shared,
) -> dict[str, Any]:
    sizes = {name: size for name, size in _sizes(function).items() if name not in shared.sizes}
    variables = environment(plan, function)
    own = {name: value for name, value in variables.items() if name not in shared.variables}
    properties = {
        "FunctionName": Sub(f"${{AWS::StackName}}-{function.name}"),
        "CodeUri": f"functions/{function.folder}/",
        **sizes,
        **_ephemeral_storage(function),
        **_environment(own),
        **_concurrency(function),
        **_policies(plan, function),
        **_events(plan, function),
    }
    return {"Type": "AWS::Serverless::Function", "Properties": properties}


def _ephemeral_storage(function: FunctionPlan) -> dict[str, Any]:
    size = function.ephemeral_storage_mb
    return {} if size == 512 else {"EphemeralStorage": {"Size": size}}


def _concurrency(function: FunctionPlan) -> dict[str, Any]:
    wanted = function.concurrency
    properties: dict[str, Any] = {}
    if wanted.maximum is not None:
        properties["ReservedConcurrentExecutions"] = wanted.maximum
    if wanted.alias:
        # By itself SAM publishes a version when the function's own folder changes. The code is in
        # the layers, so the alias would stay at the first version for ever; see also `_layer`.
        properties["AutoPublishAlias"] = wanted.alias
        properties["AutoPublishAliasAllProperties"] = True
        properties["ProvisionedConcurrencyConfig"] = {
            "ProvisionedConcurrentExecutions": wanted.provisioned,
        }
    return properties


def _policies(plan: ApplicationPlan, function: FunctionPlan) -> dict[str, Any]:
    callees = _callees(plan, function)
    if not callees:
        return {}
    statement = {
        "Effect": "Allow",
        "Action": "lambda:InvokeFunction",
        "Resource": [arn for name, alias in callees.items() for arn in _arns(name, alias)],
    }
    return {"Policies": [{"Version": "2012-10-17", "Statement": [statement]}]}


def _callees(plan: ApplicationPlan, function: FunctionPlan) -> dict[str, str | None]:
    """Return the functions that one calls, with their aliases; one elsewhere has none we know."""
    aliases = {other.name: other.concurrency.alias for other in plan.functions}
    return {name: aliases.get(name) for name in sorted(function.calls)}


def _arns(name: str, alias: str | None) -> list[Sub]:
    """Name a function without referring to it: handles may go in circles, references may not.

    A function with an alias is named without it as well, for callers of the version before.
    """
    arn = (
        "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"
        f"${{AWS::StackName}}-{name}"
    )
    return [Sub(arn), Sub(f"{arn}:{alias}")] if alias else [Sub(arn)]


def _events(plan: ApplicationPlan, function: FunctionPlan) -> dict[str, Any]:
    if not function.is_ingress or plan.route_prefix is None:
        return {}
    prefix = plan.route_prefix.rstrip("/")
    # {proxy+} does not match the prefix itself.
    paths = {"Root": prefix or "/", "Proxy": f"{prefix}/{{proxy+}}"}
    return {"Events": {name: _event(plan, path) for name, path in paths.items()}}


def _event(plan: ApplicationPlan, path: str) -> dict[str, Any]:
    properties = {
        "ApiId": Ref(api_id(plan)),
        "Method": "ANY",
        "Path": path,
        "PayloadFormatVersion": "2.0",
    }
    return {"Type": "HttpApi", "Properties": properties}


def _scaling(function: FunctionPlan) -> dict[str, Any]:
    """Let the provisioned environments follow the use of them.

    https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
    """
    wanted, logical_id = function.concurrency, function.logical_id
    if not (wanted.alias and wanted.scales):
        return {}
    target = {
        "ServiceNamespace": "lambda",
        "ScalableDimension": "lambda:function:ProvisionedConcurrency",
        "ResourceId": Sub(f"function:${{{logical_id}}}:{wanted.alias}"),
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
            "DependsOn": f"{logical_id}Alias{wanted.alias}",  # made by the SAM transform
            "Properties": target,
        },
        f"{logical_id}ScalingPolicy": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": policy,
        },
    }


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
        "Metadata": {
            "BuildArchitecture": settings.architecture,
            "BuildMethod": settings.runtime,
        },
        "Properties": properties,
    }


def _outputs(plan: ApplicationPlan) -> dict[str, Any]:
    outputs = {
        f"{function.logical_id}Function": {
            "Description": f"Function of deployment {function.deployment}",
            "Value": Ref(function.logical_id),
        }
        for function in plan.functions
    }
    if plan.route_prefix is None:
        return outputs
    url = {
        "Description": f"Where HTTP reaches {plan.target}",
        "Value": Sub(f"${{{api_id(plan)}.ApiEndpoint}}{plan.route_prefix}"),
    }
    return {f"{application_id(plan)}Url": url, **outputs}

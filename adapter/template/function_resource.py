"""One function of the template: its properties, and the resources that exist for it alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapter.plan.values import ApplicationPlan, FunctionPlan, alias_variables
from adapter.template.cloudformation import Ref, Sub
from adapter.template.names import SHUTDOWN_EXTENSION, api_id

# The exec wrapper of layers/adapter; layers are unpacked into /opt.
EXEC_WRAPPER = "/opt/python/bootstrap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all functions have in common, and so is said once, under Globals."""

    sizes: Mapping[str, Any]
    variables: Mapping[str, Any]


def function_resources(
    plan: ApplicationPlan,
    function: FunctionPlan,
    shared: Shared,
) -> dict[str, Any]:
    """Return a function and what scales it, by logical id."""
    return {function.logical_id: _function(plan, function, shared), **_scaling(function)}


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


def sizes(function: FunctionPlan) -> dict[str, int]:
    """Return the properties of a function that are mostly the same for all."""
    return {"MemorySize": function.memory_mb, "Timeout": function.timeout_s}


def environment_property(variables: Mapping[str, str | Sub]) -> dict[str, Any]:
    """Return the property that sets variables; none for none."""
    return {"Environment": {"Variables": dict(variables)}} if variables else {}


def _function(
    plan: ApplicationPlan,
    function: FunctionPlan,
    shared: Shared,
) -> dict[str, Any]:
    own_sizes = {name: value for name, value in sizes(function).items() if name not in shared.sizes}
    variables = environment(plan, function)
    own = {name: value for name, value in variables.items() if name not in shared.variables}
    properties = {
        "FunctionName": Sub(f"${{AWS::StackName}}-{function.name}"),
        "CodeUri": f"functions/{function.folder}/",
        **own_sizes,
        **_ephemeral_storage(function),
        **environment_property(own),
        **_layers(function),
        **_concurrency(function),
        **_logging(function),
        **_url(function),
        **_policies(plan, function),
        **_events(plan, function),
    }
    return {"Type": "AWS::Serverless::Function", "Properties": properties}


def _ephemeral_storage(function: FunctionPlan) -> dict[str, Any]:
    size = function.ephemeral_storage_mb
    return {} if size == 512 else {"EphemeralStorage": {"Size": size}}


def _layers(function: FunctionPlan) -> dict[str, Any]:
    """Return what SAM adds to the layers of Globals."""
    return {"Layers": [Ref(SHUTDOWN_EXTENSION)]} if function.shutdown_extension else {}


def _concurrency(function: FunctionPlan) -> dict[str, Any]:
    wanted = function.concurrency
    if wanted.managed:
        return {**_alias(function), **_managed_instances(function)}
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
    if function.concurrency.alias is None:
        return {}
    # By itself SAM publishes a version when the function's own folder changes. The code is in the
    # layers, so the alias would stay at the first version for ever; see also `document._layer`.
    return {
        "AutoPublishAlias": function.concurrency.alias,
        "AutoPublishAliasAllProperties": True,
    }


def _managed_instances(function: FunctionPlan) -> dict[str, Any]:
    """Return what runs a function on Lambda Managed Instances.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html
    """
    provider = function.capacity_provider
    arn = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:capacity-provider:"
    return {
        "CapacityProviderConfig": {
            "Arn": provider if provider.startswith("arn:") else Sub(arn + provider),
            "PerExecutionEnvironmentMaxConcurrency": function.max_concurrency,
        },
        "FunctionScalingConfig": {
            "MinExecutionEnvironments": function.concurrency.provisioned,
            "MaxExecutionEnvironments": function.concurrency.maximum,
        },
    }


def _logging(function: FunctionPlan) -> dict[str, Any]:
    """Return how a function logs. Text takes no level, and Managed Instances log in JSON only.

    https://docs.aws.amazon.com/lambda/latest/api/API_LoggingConfig.html
    """
    if function.log_format == "Text" and not function.concurrency.managed:
        return {}
    level = {} if function.log_level is None else {"ApplicationLogLevel": function.log_level}
    return {"LoggingConfig": {"LogFormat": "JSON", **level}}


def _url(function: FunctionPlan) -> dict[str, Any]:
    """Return the function URL. SAM adds the two permissions that a public one needs.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    """
    if function.url is None:
        return {}
    config = {
        "AuthType": "NONE" if function.url.public else "AWS_IAM",
        "InvokeMode": "RESPONSE_STREAM" if function.url.streams else "BUFFERED",
    }
    return {"FunctionUrlConfig": config}


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
    if not wanted.scales:
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

"""Lambda Managed Instances: the machines, and the functions on them.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html
"""

from typing import Any

from adapter.errors import BuildError
from adapter.plan.values import FunctionPlan, StackPlan
from adapter.serve.capacity_providers import CapacityProvider
from adapter.template.cloudformation import GetAtt, Sub, with_references
from adapter.template.platforms import platform_of
from adapter.template.settings import BuildSettings

_ARN = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:capacity-provider:"


def capacity_provider_id(provider: CapacityProvider) -> str:
    """Return the logical id of a provider that the stack makes."""
    words = [word[0].upper() + word[1:] for word in provider.name.split("-") if word]
    return f"{'' if provider.name == 'default' else ''.join(words)}CapacityProvider"


def capacity_provider_resources(stack: StackPlan, settings: BuildSettings) -> dict[str, Any]:
    """Return the capacity providers that a stack makes, by logical id; equal ones are one.

    Raises `BuildError` where two of the same name differ, or where functions on different
    processors would share one.
    """
    made: dict[str, tuple[FunctionPlan, CapacityProvider]] = {}
    resources: dict[str, Any] = {}
    for function in stack.functions:
        if (provider := function.new_capacity_provider) is None:
            continue
        logical_id = capacity_provider_id(provider)
        first, other = made.setdefault(logical_id, (function, provider))
        if other != provider:
            raise BuildError(
                f"{first.deployment} and {function.deployment}: two different CapacityProviders "
                f"are called {provider.name!r}; give one of them another name=....",
            )
        _require_one_processor(first, function, settings)
        architecture = platform_of(function, settings).architecture
        resources[logical_id] = _resource(provider, architecture)
    return resources


def managed_instances(function: FunctionPlan) -> dict[str, Any]:
    """Return the properties that run a function on Managed Instances; none elsewhere."""
    if not function.concurrency.managed:
        return {}
    return {
        "CapacityProviderConfig": {
            "Arn": _arn(function),
            "PerExecutionEnvironmentMaxConcurrency": function.max_concurrency,
        },
        "FunctionScalingConfig": {
            "MinExecutionEnvironments": function.concurrency.provisioned,
            "MaxExecutionEnvironments": function.concurrency.maximum,
        },
    }


def linter_metadata(function: FunctionPlan) -> dict[str, Any]:
    """Return what keeps cfn-lint from an error of its own.

    It takes the ARN of a provider, which the SAM transform passes on, for one that is not there.
    """
    if function.new_capacity_provider is None:
        return {}
    return {"cfn-lint": {"config": {"ignore_checks": ["E1010"]}}}


def _arn(function: FunctionPlan) -> Any:
    if function.new_capacity_provider is not None:
        return GetAtt(capacity_provider_id(function.new_capacity_provider), "Arn")
    named = function.capacity_provider
    return named if named.startswith("arn:") else Sub(_ARN + named)


def _require_one_processor(
    first: FunctionPlan,
    function: FunctionPlan,
    settings: BuildSettings,
) -> None:
    wanted = [platform_of(one, settings).architecture for one in (first, function)]
    if wanted[0] != wanted[1]:
        raise BuildError(
            f"{first.deployment} and {function.deployment} share a CapacityProvider, which has one "
            f"kind of processor, but are for {wanted[0]} and {wanted[1]}. Give each a "
            "CapacityProvider with a name of its own, or the same architecture.",
        )


def _resource(provider: CapacityProvider, architecture: str) -> dict[str, Any]:
    requirements: dict[str, Any] = {"Architectures": [architecture]}
    if provider.allowed_types:
        requirements["AllowedTypes"] = list(provider.allowed_types)
    if provider.excluded_types:
        requirements["ExcludedTypes"] = list(provider.excluded_types)
    scaling: dict[str, Any] = {"MaxVCpuCount": provider.max_vcpus}
    if provider.target_cpu_percent is not None:
        scaling["AverageCPUUtilization"] = provider.target_cpu_percent
    properties = {
        "CapacityProviderName": Sub(f"${{AWS::StackName}}-{provider.name}"),
        "VpcConfig": {
            "SubnetIds": with_references(provider.subnet_ids),
            "SecurityGroupIds": with_references(provider.security_group_ids),
        },
        "InstanceRequirements": requirements,
        "ScalingConfig": scaling,
    }
    return {"Type": "AWS::Serverless::CapacityProvider", "Properties": properties}

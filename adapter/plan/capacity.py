"""What a deployment's replicas and resources become on Lambda."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from adapter.errors import PlanError
from adapter.plan.values import Concurrency
from adapter.serve.autoscaling import AUTO_MAX_REPLICAS, AutoscalingConfig
from adapter.serve.lambda_options import MANAGED_MEMORY_MB
from adapter.serve.options import DeploymentOptions

DEFAULT_MEMORY_MB = 512
MAX_MEMORY_MB = 10_240
MB_PER_VCPU = 1_769  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
# Managed Instances, where nothing else is said: 2 GiB for one vCPU.
MANAGED_MB_PER_VCPU = 2_048
# https://docs.aws.amazon.com/lambda/latest/api/API_LambdaManagedInstancesCapacityProviderConfig.html
MAX_CONCURRENCY = 1_600
# Of ray_actor_options, what Lambda has an answer to.
_KNOWN_RESOURCES = frozenset({"num_cpus", "num_gpus", "memory", "runtime_env"})


def concurrency(options: DeploymentOptions) -> Concurrency:
    """Map replicas to concurrency: the minimum is kept warm, the maximum is a cap.

    Managed Instances always get both, because Lambda's own defaults there are three environments
    and no cap. Where nothing is said it is Ray Serve's one replica.
    """
    managed = options.lambda_options.capacity_provider is not None
    scaling = _scaling(options)
    if scaling is None and managed:
        scaling = AutoscalingConfig()
    if scaling is None:
        return Concurrency()
    return Concurrency(
        provisioned=scaling.min_replicas,
        maximum=scaling.max_replicas,
        scales=not managed and 0 < scaling.min_replicas < scaling.max_replicas,
        managed=managed,
    )


def _scaling(options: DeploymentOptions) -> AutoscalingConfig | None:
    """Return how the deployment scales; a fixed number is a minimum and a maximum."""
    replicas = options.num_replicas
    if isinstance(replicas, int):
        return AutoscalingConfig(min_replicas=replicas, max_replicas=replicas)
    if options.autoscaling_config is None and replicas == "auto":
        return AutoscalingConfig(max_replicas=AUTO_MAX_REPLICAS)
    return options.autoscaling_config


def max_concurrency(name: str, options: DeploymentOptions) -> int:
    """Return how many invocations one environment takes at once: more than 1 when managed.

    Raises `PlanError` for more than Lambda allows.
    """
    if options.lambda_options.capacity_provider is None:
        return 1
    if options.max_ongoing_requests > MAX_CONCURRENCY:
        raise PlanError(
            f"{name}: max_ongoing_requests={options.max_ongoing_requests} is more than the "
            f"{MAX_CONCURRENCY} that an environment of Managed Instances can take.",
        )
    return options.max_ongoing_requests


def memory_mb(name: str, options: DeploymentOptions) -> int:
    """Return the memory in MB: what was said, at least what `ray_actor_options` ask for.

    Raises `PlanError` for GPUs, for what is no number, and for more than Lambda has.
    """
    resources = options.ray_actor_options
    _refuse_gpu(name, options)
    managed = options.lambda_options.capacity_provider is not None
    least, most = MANAGED_MEMORY_MB if managed else (DEFAULT_MEMORY_MB, MAX_MEMORY_MB)
    mb_per_vcpu = MANAGED_MB_PER_VCPU if managed else MB_PER_VCPU
    for_cpus = math.ceil(_number(name, resources, "num_cpus") * mb_per_vcpu)
    for_memory = math.ceil(_number(name, resources, "memory") / 2**20)
    needed = max(for_cpus, for_memory)
    if needed > most:
        raise PlanError(
            f"{name}: ray_actor_options ask for {needed} MB (one CPU is {mb_per_vcpu} MB); a "
            f"Lambda function has at most {most} MB{' on Managed Instances' * managed}.",
        )
    return max(options.lambda_options.memory_mb or least, needed)


def _refuse_gpu(name: str, options: DeploymentOptions) -> None:
    wanted = options.ray_actor_options.get("num_gpus")
    if wanted and options.lambda_options.capacity_provider is not None:
        raise PlanError(
            f"{name}: ray_actor_options num_gpus={wanted!r}: Lambda has GPUs on Managed Instances, "
            "but SAM does not know the property that asks for one (AcceleratorConfig), so no "
            "template that `sam deploy` takes can; remove it.",
        )
    if wanted:
        raise PlanError(
            f"{name}: ray_actor_options num_gpus={wanted!r}: Lambda functions have "
            "no GPU; remove it, or keep this deployment on a service that has one.",
        )


def _number(name: str, resources: Mapping[str, Any], key: str) -> float:
    found = resources.get(key) or 0
    if not isinstance(found, (int, float)) or not 0 <= found < math.inf:
        raise PlanError(f"{name}: ray_actor_options {key}={found!r} must be a number, at least 0.")
    return found


def _replica_notes(name: str, options: DeploymentOptions) -> list[str]:
    """Say what becomes of the replicas, where that may surprise."""
    wanted, said = concurrency(options), []
    if wanted.scales:
        # https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
        said.append(
            f"{name}: scales in only while it gets requests; after the last one no metric tells "
            "that it is idle, and what is warm then, up to "
            f"{wanted.maximum} environments, stays warm and is paid for.",
        )
    if wanted.managed and _scaling(options) is None:
        said.append(
            f"{name}: 1 environment on Managed Instances, as in Ray Serve; give num_replicas or "
            "autoscaling_config for more.",
        )
    if wanted.managed and wanted.provisioned == 0:
        said.append(
            f"{name}: min_replicas=0 lets Managed Instances stop every environment; they scale "
            "within minutes, not with the next request.",
        )
    return said


def _scaling_options(scaling: AutoscalingConfig | None) -> list[str]:
    """Name what was said to Ray's own autoscaler; Lambda takes the minimum and the maximum."""
    if scaling is None:
        return []
    return [
        f"autoscaling_config[{known.name!r}]"
        for known in fields(scaling)
        if known.name not in {"min_replicas", "max_replicas"}
        and getattr(scaling, known.name) != known.default
    ]


def runtime_environment(options: DeploymentOptions) -> Mapping[str, Any]:
    """Return Ray's `runtime_env`: `pip` and `env_vars` have a place on Lambda."""
    found = options.ray_actor_options.get("runtime_env") or {}
    return found if isinstance(found, Mapping) else {}


def notes(name: str, options: DeploymentOptions) -> tuple[str, ...]:
    """Say, a sentence each, which of the written options mean nothing on Lambda."""
    said = _replica_notes(name, options)
    managed = options.lambda_options.capacity_provider is not None
    asked = "max_ongoing_requests" in options.given and options.max_ongoing_requests > 1
    if asked and not managed:
        said.append(
            f"{name}: max_ongoing_requests={options.max_ongoing_requests} needs Managed Instances; "
            "default compute runs 1 request per environment.",
        )
    meaningless = sorted(options.ignored) + _scaling_options(options.autoscaling_config)
    meaningless += sorted(
        f"ray_actor_options[{key!r}]" for key in options.ray_actor_options.keys() - _KNOWN_RESOURCES
    )
    meaningless += sorted(
        f"runtime_env[{key!r}]" for key in runtime_environment(options).keys() - {"pip", "env_vars"}
    )
    if meaningless:
        verb = "has" if len(meaningless) == 1 else "have"
        said.append(f"{name}: {', '.join(meaningless)} {verb} no meaning on Lambda.")
    return tuple(said)

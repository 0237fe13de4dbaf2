"""What a deployment's replicas and resources become on Lambda."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from adapter.errors import PlanError
from adapter.plan.values import Concurrency
from adapter.serve.options import AUTO_MAX_REPLICAS, AutoscalingConfig, DeploymentOptions

DEFAULT_MEMORY_MB = 512
MAX_MEMORY_MB = 10_240
MB_PER_VCPU = 1_769  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
# Of ray_actor_options, what Lambda has an answer to.
_KNOWN_RESOURCES = frozenset({"num_cpus", "num_gpus", "memory", "runtime_env"})


def concurrency(options: DeploymentOptions) -> Concurrency:
    """Map replicas to concurrency: the minimum is kept warm, the maximum is a cap."""
    if isinstance(options.num_replicas, int):
        return Concurrency(provisioned=options.num_replicas, maximum=options.num_replicas)
    scaling = options.autoscaling_config
    if scaling is None and options.num_replicas == "auto":
        scaling = AutoscalingConfig(max_replicas=AUTO_MAX_REPLICAS)
    if scaling is None:
        return Concurrency()
    return Concurrency(
        provisioned=scaling.min_replicas,
        maximum=scaling.max_replicas,
        scales=0 < scaling.min_replicas < scaling.max_replicas,
    )


def memory_mb(name: str, options: DeploymentOptions) -> int:
    """Return the memory in MB: what was said, at least what `ray_actor_options` ask for.

    Raises `PlanError` for GPUs, for what is no number, and for more than Lambda has.
    """
    resources = options.ray_actor_options
    if resources.get("num_gpus"):
        raise PlanError(
            f"{name}: ray_actor_options num_gpus={resources['num_gpus']!r}: Lambda functions have "
            "no GPU; remove it, or keep this deployment on a service that has one.",
        )
    for_cpus = math.ceil(_number(name, resources, "num_cpus") * MB_PER_VCPU)
    for_memory = math.ceil(_number(name, resources, "memory") / 2**20)
    needed = max(for_cpus, for_memory)
    if needed > MAX_MEMORY_MB:
        raise PlanError(
            f"{name}: ray_actor_options ask for {needed} MB (one CPU is {MB_PER_VCPU} MB); a "
            f"Lambda function has at most {MAX_MEMORY_MB} MB.",
        )
    return max(options.lambda_options.memory_mb or DEFAULT_MEMORY_MB, needed)


def _number(name: str, resources: Mapping[str, Any], key: str) -> float:
    found = resources.get(key) or 0
    if not isinstance(found, (int, float)) or not 0 <= found < math.inf:
        raise PlanError(f"{name}: ray_actor_options {key}={found!r} must be a number, at least 0.")
    return found


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
    said = []
    if "max_ongoing_requests" in options.given and options.max_ongoing_requests > 1:
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
    if options.max_queued_requests != -1:
        meaningless.append("max_queued_requests")
    if meaningless:
        verb = "has" if len(meaningless) == 1 else "have"
        said.append(f"{name}: {', '.join(meaningless)} {verb} no meaning on Lambda.")
    return tuple(said)

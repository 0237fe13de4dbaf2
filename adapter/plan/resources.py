"""What a deployment asks of AWS that changes nothing in how it is served."""

from dataclasses import replace

from adapter.errors import PlanError
from adapter.plan.values import FunctionPlan
from adapter.serve.capacity_providers import CapacityProvider
from adapter.serve.lambda_options import LambdaOptions

# Planned as they are written.
_AS_WRITTEN = (
    *("architecture", "layers", "log_retention_days", "maximum_event_age_s"),
    *("maximum_retry_attempts", "on_failure", "package", "policies", "runtime", "snap_start"),
    *("tracing", "vpc"),
)


def with_resources(plan: FunctionPlan, options: LambdaOptions) -> FunctionPlan:
    """Return the plan with what the options ask of AWS.

    Raises `PlanError` for what excludes each other on Lambda.
    """
    _refuse_snapshots_of_warm_environments(plan, options)
    provider = options.capacity_provider
    plan = replace(plan, **{name: getattr(options, name) for name in _AS_WRITTEN})
    if isinstance(provider, CapacityProvider):
        return replace(plan, capacity_provider=provider.name, new_capacity_provider=provider)
    return replace(plan, capacity_provider=provider or "")


def _refuse_snapshots_of_warm_environments(plan: FunctionPlan, options: LambdaOptions) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
    warm = plan.concurrency.provisioned
    if options.snap_start and warm:
        environments = f"{warm} environment{'s' * (warm != 1)}"
        raise PlanError(
            f"{plan.deployment}: snap_start=True, and {environments} kept warm: "
            "Lambda has no snapshots of functions with provisioned concurrency. Remove snap_start, "
            "or let the replicas start from zero: autoscaling_config with min_replicas=0.",
        )

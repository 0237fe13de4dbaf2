"""What some functions ask of Lambda's runtime, which is one for all of them."""

from adapter.errors import BuildError
from adapter.plan.values import ApplicationPlan
from adapter.template.settings import RUNTIMES, BuildSettings

# https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-runtimes.html
_MANAGED = "python3.13"
# https://github.com/aws-samples/graceful-shutdown-with-aws-lambda
_SIGTERM = "python3.12"


def check_runtime(plan: ApplicationPlan, settings: BuildSettings) -> None:
    """Raise `BuildError` where a function cannot run with the chosen runtime."""
    managed = [one.deployment for one in plan.functions if one.concurrency.managed]
    if managed and _older(settings.runtime, _MANAGED):
        raise BuildError(
            f"{managed[0]}: Managed Instances need {_MANAGED} or newer, and the runtime is "
            f"{settings.runtime}. Give --runtime {_MANAGED}, or runtime in [tool.adapter].",
        )


def runtime_notes(plan: ApplicationPlan, settings: BuildSettings) -> list[str]:
    """Say what the chosen runtime leaves without effect."""
    asked = [one.deployment for one in plan.functions if one.shutdown_extension]
    if not asked or not _older(settings.runtime, _SIGTERM):
        return []
    note = (
        f"{', '.join(asked)}: shutdown_extension=True needs {_SIGTERM} or newer; with "
        f"{settings.runtime} Lambda sends no SIGTERM."
    )
    return [note]


def _older(runtime: str, than: str) -> bool:
    return RUNTIMES.index(runtime) < RUNTIMES.index(than)

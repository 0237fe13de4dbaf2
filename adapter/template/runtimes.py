"""What some functions ask of Lambda's runtime."""

from collections.abc import Iterator

from adapter.errors import BuildError
from adapter.plan.values import FunctionPlan, StackPlan
from adapter.serve.lambda_options import RUNTIMES
from adapter.template.platforms import platform_of
from adapter.template.settings import BuildSettings

# https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-runtimes.html
_MANAGED = "python3.13"
# https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
_SNAP_START = "python3.12"
# https://github.com/aws-samples/graceful-shutdown-with-aws-lambda
_SIGTERM = "python3.12"


def check_runtime(plan: StackPlan, settings: BuildSettings) -> None:
    """Raise `BuildError` where a function cannot run with its runtime."""
    for function in plan.functions:
        runtime = platform_of(function, settings).runtime
        for what, least in _needs(function):
            if _older(runtime, least):
                raise BuildError(
                    f"{function.deployment}: {what} {least} or newer, and the runtime is "
                    f"{runtime}. Give --runtime {least}, runtime in [tool.adapter], or "
                    f'LambdaOptions(runtime="{least}").',
                )


def runtime_notes(plan: StackPlan, settings: BuildSettings) -> list[str]:
    """Say what the runtime leaves without effect."""
    asked: dict[str, list[str]] = {}
    for function in plan.functions:
        runtime = platform_of(function, settings).runtime
        if function.shutdown_extension and _older(runtime, _SIGTERM):
            asked.setdefault(runtime, []).append(function.deployment)
    return [
        f"{', '.join(names)}: shutdown_extension=True needs {_SIGTERM} or newer; with "
        f"{runtime} Lambda sends no SIGTERM."
        for runtime, names in asked.items()
    ]


def _needs(function: FunctionPlan) -> Iterator[tuple[str, str]]:
    if function.concurrency.managed:
        yield "Managed Instances need", _MANAGED
    if function.snap_start:
        yield "snap_start=True needs", _SNAP_START


def _older(runtime: str, than: str) -> bool:
    return RUNTIMES.index(runtime) < RUNTIMES.index(than)

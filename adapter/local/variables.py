"""The environment variables of a function's process."""

import os
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from adapter.config.processes import python_path
from adapter.local.invocation import LATEST, region
from adapter.plan.values import FunctionPlan, alias_variables

# What only Lambda or the adapter sets: left over in the shell, or in a function that runs us, they
# would lie to the child.
_OURS = ("AWS_LAMBDA_", "LAMBDA_", "_X_AMZN_", "_HANDLER", "ADAPTER_", "AWS_SAM_LOCAL")
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE")
_CREDENTIAL_FILES = {
    "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
    "AWS_CONFIG_FILE": "~/.aws/config",
}


def function_variables(
    plan: FunctionPlan,
    *,
    task_root: Path,
    app_dir: Path,
    lambda_url: str,
    aliases: Mapping[str, str | None],
) -> dict[str, str]:
    """Return what Lambda sets for a function, and the plan's own, over the user's environment.

    `aliases` are the aliases of the functions it calls, by name. The variables of one process,
    `process_variables`, come on top.
    """
    return {
        **_inherited(os.environ),
        **_credentials(os.environ),
        "AWS_DEFAULT_REGION": region(),
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": lambda_url,
        "AWS_ENDPOINT_URL_LAMBDA": lambda_url,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(plan.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": plan.name,
        "AWS_LAMBDA_FUNCTION_VERSION": LATEST,
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{plan.name}",
        "AWS_REGION": region(),
        "LAMBDA_TASK_ROOT": str(task_root),
        "PYTHONPATH": python_path(app_dir),
        "PYTHONUNBUFFERED": "1",  # what a function prints before it is killed must not be lost
        "TZ": ":UTC",
        "_HANDLER": plan.handler,
        **_concurrency(plan),
        **_logging(plan),
        **alias_variables(aliases),
        **plan.environment,
    }


def process_variables(runtime_api: str, *, provisioned: bool) -> dict[str, str]:
    """Return what differs from one environment of a function to the next."""
    stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{LATEST}]{uuid.uuid4().hex}"
    return {
        "AWS_LAMBDA_INITIALIZATION_TYPE": (
            "provisioned-concurrency" if provisioned else "on-demand"
        ),
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
    }


def _concurrency(plan: FunctionPlan) -> dict[str, str]:
    """Tell a runtime on Managed Instances how many invocations to ask for at once."""
    if plan.max_concurrency == 1:
        return {}
    return {"AWS_LAMBDA_MAX_CONCURRENCY": str(plan.max_concurrency)}


def _logging(plan: FunctionPlan) -> dict[str, str]:
    """Tell a runtime how to log; without a level Lambda's own for JSON is INFO."""
    if plan.log_format == "Text":
        return {}
    return {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": plan.log_level or "INFO"}


def _inherited(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not name.startswith(_OURS)}


def _credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """Invent credentials where the user has none, so that AWS clients can sign local calls."""
    in_files = any(
        Path(environ.get(variable, default)).expanduser().exists()
        for variable, default in _CREDENTIAL_FILES.items()
    )
    if in_files or any(environ.get(name) for name in _CREDENTIALS):
        return {}
    return {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}

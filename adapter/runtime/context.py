"""The context object that handlers get, with the attributes of AWS's own.

https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
"""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

from adapter.runtime.protocol import Invocation


class FunctionSettings(NamedTuple):
    """What the environment says about the function."""

    name: str = ""
    version: str = "$LATEST"
    memory_limit_in_mb: str = ""
    log_group_name: str = ""
    log_stream_name: str = ""
    max_concurrency: int = 1

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "FunctionSettings":
        """Read Lambda's own variables."""
        return cls(
            name=environ.get("AWS_LAMBDA_FUNCTION_NAME", ""),
            version=environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            memory_limit_in_mb=environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", ""),
            log_group_name=environ.get("AWS_LAMBDA_LOG_GROUP_NAME", ""),
            log_stream_name=environ.get("AWS_LAMBDA_LOG_STREAM_NAME", ""),
            max_concurrency=max(1, int(environ.get("AWS_LAMBDA_MAX_CONCURRENCY") or 1)),
        )


class LambdaContext:
    """What a handler may ask about its invocation; `deadline_ms` is ours, the rest is AWS's."""

    def __init__(self, invocation: Invocation, function: FunctionSettings) -> None:
        self._invocation = invocation
        self.aws_request_id = invocation.request_id
        self.deadline_ms = invocation.deadline_ms
        self.invoked_function_arn = invocation.function_arn
        self.tenant_id = invocation.tenant_id or None
        self.function_name = function.name
        self.function_version = function.version
        self.memory_limit_in_mb = function.memory_limit_in_mb
        self.log_group_name = function.log_group_name
        self.log_stream_name = function.log_stream_name

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""
        return self._invocation.remaining_ms()

    @property
    def identity(self) -> SimpleNamespace:
        """The Amazon Cognito identity, its attributes None where there is none."""
        found = _object(self._invocation.cognito_identity)
        return SimpleNamespace(
            cognito_identity_id=found.get("cognitoIdentityId"),
            cognito_identity_pool_id=found.get("cognitoIdentityPoolId"),
        )

    @property
    def client_context(self) -> SimpleNamespace | None:
        """What the invoker sent as ClientContext, None where it sent nothing."""
        if not self._invocation.client_context:
            return None
        found = _object(self._invocation.client_context)
        client = found.get("client")
        return SimpleNamespace(
            custom=found.get("custom"),
            env=found.get("env"),
            client=SimpleNamespace(**client) if isinstance(client, dict) else None,
        )


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

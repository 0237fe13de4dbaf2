"""Lambda's error object, `{"errorType": ..., "errorMessage": ..., "stackTrace": [...]}`."""

import json
from typing import Any

from adapter.errors import BackPressureError, RemoteError, remote_error


def function_error(deployment: str, body: bytes) -> RemoteError:
    """Make the caller's exception from the body of a function error, whatever that holds."""
    return exception(deployment, parsed(body))


def exception(deployment: str, error: dict[str, Any]) -> RemoteError:
    """Make the caller's exception from an error object."""
    trace = error.get("stackTrace")
    made = remote_error(
        str(error.get("errorMessage", "")),
        error_type=str(error.get("errorType", "Unhandled")),
        remote_traceback=[str(line) for line in trace] if isinstance(trace, list) else (),
        deployment=deployment,
        builtin=str(error.get("errorBuiltin", "")),
    )
    if isinstance(made, BackPressureError):
        made.take_details(error.get("errorDetails"))
    return made


def parsed(body: bytes | str) -> dict[str, Any]:
    """Read a JSON object; empty where it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def is_error_object(body: bytes) -> bool:
    """Whether a body is what a Python runtime posts as error."""
    return {"errorMessage", "errorType", "stackTrace"} <= parsed(body).keys()

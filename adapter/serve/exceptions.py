"""What Ray Serve has in `ray.serve.exceptions`: the same names for ours, which lie in one tree.

`RayServeException` is another name of `ServeError`; see `adapter.errors`.
"""

from typing import NoReturn

from adapter.errors import (
    BackPressureError,
    DeploymentUnavailableError,
    ReplicaUnavailableError,
    RequestCancelledError,
)
from adapter.errors import ServeError as RayServeException

__all__ = [
    "BackPressureError",
    "DeploymentUnavailableError",
    "RayServeException",
    "ReplicaUnavailableError",
    "RequestCancelledError",
]


def __getattr__(name: str) -> NoReturn:
    if name == "gRPCStatusError":
        # ImportError, because `from ... import` drops the text of an AttributeError.
        raise ImportError(
            "gRPCStatusError is about Ray Serve's gRPC proxy. There is none here: Lambda's front "
            "doors speak HTTP. Raise fastapi.HTTPException for a status of your own.",
        )
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)

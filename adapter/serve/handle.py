"""What Ray Serve has in `ray.serve.handle`."""

from typing import TYPE_CHECKING, Any

from adapter.serve.handles import DeploymentHandle
from adapter.serve.responses import DeploymentResponse, DeploymentResponseGenerator

if TYPE_CHECKING:
    from adapter.serve.older_handles import RayServeHandle, RayServeSyncHandle

__all__ = [
    "DeploymentHandle",
    "DeploymentResponse",
    "DeploymentResponseGenerator",
    "RayServeHandle",
    "RayServeSyncHandle",
]


if not TYPE_CHECKING:  # where it would make any name a good one

    def __getattr__(name: str) -> Any:
        if name in ("RayServeHandle", "RayServeSyncHandle"):
            from adapter.serve import older_handles  # noqa: PLC0415 - an older form

            return getattr(older_handles, name)
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)

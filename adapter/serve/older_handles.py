"""Handles of older releases of Ray Serve: `Deployment.get_handle(sync=...)`."""

from collections.abc import Generator
from typing import Any

from adapter.serve.handles import DeploymentHandle
from adapter.serve.options import DEFAULT
from adapter.serve.type_variables import Held_co


class RayServeSyncHandle(DeploymentHandle[Held_co]):
    """A handle for plain code: `handle.remote(...).result()`.

    Ray's returns an object ref for `ray.get`; `.result()` stands for that.
    """

    def options(self, *, use_new_handle_api: Any = DEFAULT, **options: Any) -> Any:
        """Return a handle with other options; `use_new_handle_api=True` gives today's kind."""
        changed = super().options(**options)
        if use_new_handle_api is True:
            changed.__class__ = DeploymentHandle
        return changed


class RayServeHandle(RayServeSyncHandle[Held_co]):
    """A handle for asynchronous code: `result = await (await handle.remote(...))`."""

    def remote(self, *args: Any, **kwargs: Any) -> Any:
        """Call the method. The call leaves now; awaiting this gives its response."""
        today: Any = super()
        return _Dispatched(today.remote(*args, **kwargs))


class _Dispatched:
    """A call that has left. There is nothing to wait for, but older programs await it."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def __await__(self) -> Generator[Any, None, Any]:
        yield from ()
        return self._response

"""Which deployment the running code belongs to, and which invocation it serves."""

from contextvars import ContextVar
from typing import NamedTuple


# Named tuples, because to define a frozen dataclass takes eight times as long, at each cold start.
class DeploymentContext(NamedTuple):
    """The deployment that an environment holds.

    `max_concurrency` is how many invocations it may serve at once; 0 is no limit.
    """

    deployment: str
    application: str
    max_concurrency: int = 1


class InvocationContext(NamedTuple):
    """The invocation being served; `deadline_ms` is Unix time in milliseconds, 0 if unknown."""

    request_id: str = ""
    deadline_ms: int = 0


_process_deployment: DeploymentContext | None = None
_deployment: ContextVar[DeploymentContext | None] = ContextVar("deployment", default=None)
invocation: ContextVar[InvocationContext | None] = ContextVar("invocation", default=None)


def enter(context: DeploymentContext, *, whole_process: bool) -> None:
    """Say that the code from here on belongs to a deployment.

    A Lambda environment holds one deployment, so there the whole process is meant and threads of
    the user's own see it too; `serve.run` holds several in one process.
    """
    global _process_deployment  # noqa: PLW0603 - see docstring
    if whole_process:
        _process_deployment = context
    _deployment.set(context)


def current() -> DeploymentContext | None:
    """Return the deployment the running code belongs to, None outside of any."""
    return _deployment.get() or _process_deployment

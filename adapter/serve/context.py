"""Which deployment the running code belongs to, and which invocation it serves."""

import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from adapter.calls.neighbours import Neighbours


# Named tuples, because to define a frozen dataclass takes eight times as long, at each cold start.
class DeploymentContext(NamedTuple):
    """The deployment that an environment holds.

    `max_concurrency` is how many invocations it may serve at once; 0 is no limit. `replica` tells
    the environment from the deployment's others, `servable_object` is the instance or the function,
    None until it is constructed. `neighbours` are the deployments that it shares its function with,
    itself among them; None is a function of its own.
    """

    deployment: str
    application: str
    max_concurrency: int = 1
    replica: str = ""
    servable_object: Any = None
    neighbours: "Neighbours | None" = None


class InvocationContext(NamedTuple):
    """The invocation being served; `deadline_ms` is Unix time in milliseconds, 0 if unknown.

    `request_id` is the one that the HTTP client has named, else Lambda's; handle calls pass it on.
    `multiplexed_model_id` is the model that its client asks for, `route` the route prefix that the
    HTTP request came in by, which handle calls pass on; both are empty where there is none.
    """

    request_id: str = ""
    deadline_ms: int = 0
    multiplexed_model_id: str = ""
    route: str = ""


class LatestInvocation:
    """Stands for the invocation that a WebSocket session goes on in: what it has, this has, too.

    A task copies its context when it begins. One that the session keeps from event to event would
    have the first invocation, with a deadline that is over, for ever.
    """

    def __init__(self) -> None:
        self.invocation = InvocationContext()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.invocation, name)


_NO_INVOCATION = InvocationContext()
_LONGEST_ID = 200
# RFC 9110, section 5.6.2.
_OF_IDS = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
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


def served() -> InvocationContext:
    """Return the invocation being served, an empty one outside of any."""
    return invocation.get() or _NO_INVOCATION


def plain_request_id(value: object) -> str:
    """Return a request id that somebody else has chosen, empty where it is none to pass on.

    It gets into headers and logs, so it must be a token, of at most 200 characters.
    """
    if not isinstance(value, str) or len(value) > _LONGEST_ID or not value.isascii():
        return ""
    return "" if value.encode().translate(None, _OF_IDS) else value


def flush_metrics() -> None:
    """Send out what metrics have recorded; an invocation ends with it.

    The module is not loaded for it: most functions record nothing.
    """
    if (metrics := sys.modules.get("adapter.serve.metrics")) is not None:
        metrics.flush()

"""`serve.get_replica_context()`: which environment the running code belongs to."""

from typing import Any, NamedTuple, NoReturn

from adapter.errors import ServeError
from adapter.serve import context
from adapter.serve.names import DEFAULT_APPLICATION


class DeploymentID(NamedTuple):
    """Which deployment of which application."""

    name: str
    app_name: str = DEFAULT_APPLICATION

    def __str__(self) -> str:
        return f"Deployment(name={self.name!r}, app={self.app_name!r})"


class ReplicaID(NamedTuple):
    """Which replica of which deployment. `unique_id` tells it from the deployment's others."""

    unique_id: str
    deployment_id: DeploymentID

    def to_full_id_str(self) -> str:
        """Return application, deployment and replica in one text, as Ray Serve writes it."""
        name, app_name = self.deployment_id
        return f"SERVE_REPLICA::{app_name}#{name}#{self.unique_id}"

    def __str__(self) -> str:
        name, app_name = self.deployment_id
        return f"Replica(id={self.unique_id!r}, deployment={name!r}, app={app_name!r})"


class ReplicaContext(NamedTuple):
    """The replica that runs this code: an environment of Lambda, under `serve.run` the instance.

    `servable_object` is the instance of the user's class, or the function; None in its
    constructor. There are no gangs, and what CloudFormation deploys has no code version of ours,
    so `gang_context` and `code_version` are None.
    """

    replica_id: ReplicaID
    servable_object: Any
    gang_context: None = None
    code_version: None = None

    @property
    def app_name(self) -> str:
        """The application's name."""
        return self.replica_id.deployment_id.app_name

    @property
    def deployment(self) -> str:
        """The deployment's name."""
        return self.replica_id.deployment_id.name

    @property
    def replica_tag(self) -> str:
        """What tells the replica from the deployment's others."""
        return self.replica_id.unique_id

    @property
    def rank(self) -> NoReturn:
        """Refuse: Lambda does not number environments. Raises `ServeError`."""
        raise ServeError(_without("rank"))

    @property
    def world_size(self) -> NoReturn:
        """Refuse: Lambda does not tell how many environments there are. Raises `ServeError`."""
        raise ServeError(_without("world_size"))


def get_replica_context() -> ReplicaContext:
    """Return which replica of which deployment runs this code.

    Raises `ServeError` outside of a deployment.
    """
    found = context.current()
    if found is None:
        raise ServeError(
            "`serve.get_replica_context()` may only be called from within a Ray Serve deployment.",
        )
    deployment_id = DeploymentID(found.deployment, found.application)
    return ReplicaContext(ReplicaID(found.replica, deployment_id), found.servable_object)


def _without(name: str) -> str:
    return (
        f"ReplicaContext has no {name}: Lambda starts and ends environments one by one, and none "
        "knows of the others. Give work a key, in a queue or a table, instead of a rank."
    )

"""Secrets of an application that `serve.run` serves from this process."""

import os

from adapter.calls.secrets import read
from adapter.errors import LocalError
from adapter.plan.graph import Graph


def set_secrets(graph: Graph) -> None:
    """Set the variables that are secrets of the deployments; one that is set already stays.

    Raises `SecretsNotRead`, and `LocalError` where deployments mean different secrets by one name,
    which a process of both cannot have.
    """
    references: dict[str, str] = {}
    for node in graph.nodes:
        for name, text in node.deployment.settings.lambda_options.secrets.items():
            if references.setdefault(name, text) != text:
                raise LocalError(
                    f"{name} is {references[name]} for one deployment and {text} for {node.name}: "
                    "serve.run has one process for both. Use `adapter run`, or two names.",
                )
    unset = {name: text for name, text in references.items() if name not in os.environ}
    if unset:
        os.environ.update(read(unset, os.environ))

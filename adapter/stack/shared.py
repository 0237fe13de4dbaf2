"""Which function has a deployment that shares one with others."""

from typing import Any, NamedTuple

from adapter.stack.refusals import aws_errors


class Shared(NamedTuple):
    """A function, and the name that the deployment has inside it."""

    function: str
    deployment: str


def shared_function(client: Any, prefix: str, deployment: str) -> Shared | None:
    """Look for a deployment in the functions whose names begin with the stack's `prefix`.

    The functions themselves know: their variable `ADAPTER_SHARED` has `deployment:function` for
    each deployment that is not called by its own name.
    """
    with aws_errors():
        pages = client.get_paginator("list_functions").paginate()
        every = [one for page in pages for one in page["Functions"]]
    for one in every:
        variables = one.get("Environment", {}).get("Variables", {})
        if variables.get("ADAPTER_FUNCTION_PREFIX", "") != prefix:
            continue
        for entry in variables.get("ADAPTER_SHARED", "").split(","):
            name, _, function = entry.partition(":")
            if name and name == deployment:
                application = variables.get("ADAPTER_APPLICATION", "default")
                inside = name if application == "default" else name.removeprefix(f"{application}-")
                return Shared(f"{prefix}{function}", inside)
    return None

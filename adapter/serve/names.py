"""What a deployment's Lambda function is called."""

from typing import Final

DEFAULT_APPLICATION: Final = "default"


def function_name(deployment: str, application: str) -> str:
    """Return the name of a deployment's function, without the stack's name in front.

    Deployments of different applications may share a name, so that of every application but
    "default" is part of the function's.
    """
    return deployment if application == DEFAULT_APPLICATION else f"{application}-{deployment}"

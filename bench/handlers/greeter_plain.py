"""The same class as one writes it for AWS's client, with the same event."""
# ruff: noqa: ARG001 - what Lambda hands over

from typing import Any


class Greeter:
    def greet(self, name: str) -> str:
        return f"hello {name}"


greeter = Greeter()


def handler(event: dict[str, Any], context: Any) -> Any:
    return getattr(greeter, event["method"])(*event["args"])

"""A handler without anything, for either runtime client."""
# ruff: noqa: ARG001 - what Lambda hands over

from typing import Any


def handler(event: Any, context: Any) -> dict[str, Any]:
    return {"statusCode": 200, "body": '{"hello":"you"}'}

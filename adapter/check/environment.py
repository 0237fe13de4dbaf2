"""A function's variables."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from adapter.check.stack import Resource, Stack, mapping, text
from adapter.check.values import Fault

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_BYTES = 4 * 1024


def too_large(stack: Stack) -> Iterator[Fault]:
    """Lambda measures names and values together, as JSON."""
    for function in stack.functions:
        size = _size(variables(function))
        if size > MAX_BYTES:
            yield Fault(
                function.where,
                f"the environment variables have {size:,} bytes; Lambda allows {MAX_BYTES:,}.",
                "Put what is long into a file of the application, or into Parameter Store.",
                function.logical_id,
            )


def variables(function: Resource) -> Mapping[str, Any]:
    """Return the variables of a function, with those of Globals."""
    return mapping(mapping(function.properties.get("Environment")).get("Variables"))


def _size(values: Mapping[str, Any]) -> int:
    known = {name: text(value) or "" for name, value in values.items()}
    if not known:
        return 0
    return len(json.dumps(known, ensure_ascii=False, separators=(",", ":")).encode())

"""How callers of Lambda's API name a function: name, partial ARN or ARN, with or without alias."""

import re
from dataclasses import dataclass

_NAME = re.compile(
    r"(arn:(?P<partition>aws[a-z-]*):lambda:(?P<region>[a-z0-9-]+):)?"
    r"((?P<account>\d{12}):)?"
    r"(function:)?"
    r"(?P<name>[a-zA-Z0-9-_]+)"
    r"(:(?P<qualifier>\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?",
)


class InvalidNameError(ValueError):
    """The text does not name a function."""


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A function and which version of it; `qualifier` is empty where none was named."""

    name: str
    qualifier: str = ""


def parse_function_name(text: str, qualifier: str = "") -> FunctionName:
    """Read a function's name as the Invoke API takes it, with its Qualifier parameter.

    Raises `InvalidNameError` where it is none, or where two qualifiers disagree.
    """
    match = _NAME.fullmatch(text)
    if match is None:
        raise InvalidNameError(f"{text!r:.200} is not a function name or ARN")
    own = match["qualifier"] or ""
    if own and qualifier and own != qualifier:
        raise InvalidNameError(
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
    return FunctionName(match["name"], own or qualifier)

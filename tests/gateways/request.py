"""A request as a client sends it to one of AWS's HTTP front doors."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`path` and `query` are as sent, percent-encoded.

    Header values are text of their bytes, one character for each (Latin-1). `client` is the address
    that the front door sees, `scheme` what it was reached by.
    """

    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: Headers = ()
    body: bytes = b""
    client: str = "203.0.113.9"
    scheme: str = "https"

    def header(self, name: str) -> str | None:
        """Return the last value of a header."""
        found = [value for key, value in self.headers if key.lower() == name]
        return found[-1] if found else None


def without(headers: Iterable[tuple[str, str]], dropped: Collection[str]) -> Headers:
    """Leave headers out by their lower-case names; one that ends in "-" is a prefix."""
    prefixes = tuple(name for name in dropped if name.endswith("-"))
    return tuple(
        (name, value)
        for name, value in headers
        if name.lower() not in dropped and not name.lower().startswith(prefixes or "\n")
    )


def lower(headers: Iterable[tuple[str, str]]) -> Headers:
    """Write the names in lower case."""
    return tuple((name.lower(), value) for name, value in headers)


def listed(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Collect all values of each name."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def joined(pairs: Iterable[tuple[str, str]], separator: str) -> dict[str, str]:
    """Join the values of each name."""
    return {name: separator.join(values) for name, values in listed(pairs).items()}

"""What an ASGI application saw of a request."""

from dataclasses import dataclass, replace
from typing import Any

Values = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The scope and the body of one request; header values are Latin-1, as on the wire.

    `body` is None where the application did not read it. `query` is as sent, or its parameters.
    """

    method: str
    path: str
    raw_path: str
    query: str | Values
    headers: Values
    root_path: str
    http_version: str
    scheme: str
    client: str | None
    server: tuple[str, int] | None
    body: bytes | None = None

    @classmethod
    def of(cls, scope: dict[str, Any], body: bytes | None) -> "Seen":
        """Read a scope."""
        return cls(
            method=scope["method"],
            path=scope["path"],
            raw_path=scope["raw_path"].decode("latin-1"),
            query=scope["query_string"].decode("latin-1"),
            headers=values_of(
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in scope["headers"]
            ),
            root_path=scope["root_path"],
            http_version=scope["http_version"],
            scheme=scope["scheme"],
            client=scope["client"] and scope["client"][0],
            server=scope["server"] and tuple(scope["server"]),
            body=body,
        )

    def below(self, root_path: str) -> "Seen":
        """Say what a server that is told a root path shows: it is a part of both paths."""
        return replace(
            self,
            root_path=root_path,
            path=root_path + self.path,
            raw_path=root_path + self.raw_path,
        )


def values_of(pairs: Any) -> Values:
    """Collect all values of each name."""
    values: Values = {}
    for name, value in pairs:
        values[name] = (*values.get(name, ()), value)
    return values

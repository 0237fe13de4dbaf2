"""`HTTPOptions`: what Ray Serve's `serve.start(http_options=...)` takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from adapter.errors import InvalidOption
from adapter.serve.checks import require_int, require_seconds
from adapter.serve.records import Record


class ProxyLocation(StrEnum):
    """Where Ray runs its HTTP servers. `Disabled` serves handles only."""

    Disabled = "Disabled"
    HeadOnly = "HeadOnly"
    EveryNode = "EveryNode"


# As older releases call them. One server on one machine is all that there is here.
_OLDER_LOCATIONS = {"NoServer": "Disabled", "FixedNumber": "EveryNode"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTPOptions(Record):
    """How the HTTP server of `serve.run` listens, in Ray Serve's words.

    `host` None, as `location="NoServer"`, serves no HTTP. Port 0 picks a free port. A request that
    takes longer than `request_timeout_s` seconds is answered with 408. `middlewares` are
    Starlette's, around everything that is served. `root_path` is the prefix that a proxy in front
    takes away.

    Raises `InvalidOption` for a value outside its range.
    """

    host: str | None = "127.0.0.1"
    port: int = 8000
    middlewares: Sequence[Any] = ()
    location: ProxyLocation | str | None = None
    num_cpus: int = 0
    root_url: str = ""
    root_path: str = ""
    request_timeout_s: float | None = None
    keep_alive_timeout_s: float = 90
    ssl_keyfile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile_password: str | None = None
    ssl_ca_certs: str | None = None

    def __post_init__(self) -> None:
        require_int("http_options.port", self.port, least=0, most=65_535)
        if self.request_timeout_s is not None:
            require_seconds("http_options.request_timeout_s", self.request_timeout_s)
        require_seconds("http_options.keep_alive_timeout_s", self.keep_alive_timeout_s, zero=True)
        if self.num_cpus:
            raise InvalidOption(
                "`num_cpus` in HTTPOptions has been removed. No CPU is set apart for the HTTP "
                "server; delete it.",
            )
        if bool(self.ssl_keyfile) != bool(self.ssl_certfile):
            raise InvalidOption("http_options needs ssl_keyfile and ssl_certfile, or none of them.")
        object.__setattr__(self, "middlewares", tuple(self.middlewares))
        object.__setattr__(self, "location", self._location())

    def _location(self) -> ProxyLocation | None:
        if self.host is None:
            return ProxyLocation.Disabled
        if self.location is None:
            return None
        try:
            return ProxyLocation(_OLDER_LOCATIONS.get(str(self.location), self.location))
        except ValueError:
            allowed = ", ".join(map(repr, map(str, ProxyLocation)))
            raise InvalidOption(
                f"http_options.location={self.location!r} must be one of {allowed}.",
            ) from None

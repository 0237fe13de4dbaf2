"""What all of AWS's HTTP front doors do: a request becomes an event, a result a response.

Written from AWS's documentation alone, as pure functions, so that the adapter can be held against
it. Nothing here knows the adapter, least of all the fronts of `adapter run`. What a front door
loses on the way, as documented, is in `tests.gateways.losses`.
"""

from typing import Any, Protocol

from tests.gateways.request import Request
from tests.gateways.response import Response

Event = dict[str, Any]
ACCOUNT = "123456789012"
REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


class Gateway(Protocol):
    """One front door, configured."""

    @property
    def name(self) -> str:
        """How tests name it."""
        ...

    @property
    def domain(self) -> str | None:
        """The domain that an event vouches for; None where it names none."""
        ...

    @property
    def root_path(self) -> str:
        """What the front door serves from: the stage."""
        ...

    def scheme(self, request: Request) -> str | None:
        """Return the scheme that an event tells; None where it does not."""
        ...

    def event(self, request: Request) -> Event:
        """Make the event that the function is invoked with."""
        ...

    def response(self, result: Any) -> Response:
        """Make the client's response of the function's result. Raises `BadGateway`."""
        ...


def always_https(_request: Request) -> str:
    """Return the scheme of front doors that have no other."""
    return "https"

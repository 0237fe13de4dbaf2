"""AWS's HTTP front doors: how each tells a request, and how it wants the response.

Those of payload format 2.0, which most functions are behind, are here at once; a function loads the
others, and Mangum with them, when one sends it an event. Requests are read anew, not by Mangum: it
decodes paths that are decoded, joins what came as a list, builds the server from what the client
sent, and raises on events that are merely odd.
"""

from typing import Any, Protocol

from adapter.http.detect import Source
from adapter.http.gateways.http_api import FunctionUrl, HttpApi
from adapter.http.request import Request
from adapter.http.response import Response


class Gateway(Protocol):
    """One event of a front door."""

    @property
    def most_bytes(self) -> int:
        """How long a result may be, as JSON."""
        ...

    @property
    def is_head(self) -> bool:
        """Whether the request is for the head of a response, as far as the event can be read."""
        ...

    def request(self, base_path: str) -> Request:
        """Read the request. Raises `Refused` where the event holds none."""
        ...

    def result(self, response: Response, *, is_text: bool) -> dict[str, Any]:
        """Write a response whose headers are Latin-1; `is_text` says that its body may be text."""
        ...


def gateway_of(source: Source, event: dict[str, Any]) -> Gateway:
    """Return what reads an event and writes its result."""
    gateway: Gateway = (_PAYLOAD_2_0.get(source) or _loaded(source))(event)
    return gateway


_PAYLOAD_2_0 = {Source.HTTP_API: HttpApi, Source.URL: FunctionUrl}


def _loaded(source: Source) -> Any:
    if source in (Source.LATTICE_1, Source.LATTICE_2):
        from adapter.http.gateways import lattice  # noqa: PLC0415 - it takes Mangum

        return lattice.Lattice1 if source is Source.LATTICE_1 else lattice.Lattice2
    if source is Source.ALB:
        from adapter.http.gateways.load_balancer import LoadBalancer  # noqa: PLC0415 - as above

        return LoadBalancer
    if source is Source.EDGE:
        from adapter.http.gateways.edge import Edge  # noqa: PLC0415 - as above

        return Edge
    from adapter.http.gateways import rest_api  # noqa: PLC0415 - as above

    return rest_api.RestApi if source is Source.REST else rest_api.HttpApi1

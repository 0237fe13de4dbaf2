"""The body of a request as it fits into JSON."""

from base64 import b64encode

from tests.gateways.request import Request

TEXT_TYPES = {"application/json", "application/javascript", "application/xml"}


def is_text(request: Request) -> bool:
    """Whether the content type is one whose bodies are sent as they are, by the load balancers."""
    kind = (request.header("content-type") or "").partition(";")[0].strip(" ").lower()
    return kind.startswith("text/") or kind in TEXT_TYPES


def as_it_is_or_base64(request: Request, *, text: bool) -> tuple[str, bool]:
    """Return the body and whether it is base64: text as it is where it is UTF-8."""
    if text:
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass
    return b64encode(request.body).decode(), bool(request.body)

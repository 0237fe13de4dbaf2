"""What a front door tells about the client, in headers of its own."""

from tests.gateways.request import Headers, Request, without

OWN = frozenset({"x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"})
TRACE = "Root=1-6740c0de-0123456789abcdef01234567"


def forwarded_for(request: Request) -> str:
    """Append the client's address to what the client itself claims."""
    claimed = [value for name, value in request.headers if name.lower() == "x-forwarded-for"]
    return ", ".join([*claimed, request.client])


def forwarded(request: Request, scheme: str) -> Headers:
    """Add the headers that API Gateway and load balancers write.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
    """
    own = {
        "x-amzn-trace-id": request.header("x-amzn-trace-id") or TRACE,
        "x-forwarded-for": forwarded_for(request),
        "x-forwarded-port": "443" if scheme == "https" else "80",
        "x-forwarded-proto": scheme,
    }
    return (*without(request.headers, OWN), *own.items())

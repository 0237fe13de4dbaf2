"""Signature Version 4 for one kind of request: a POST to, or GET from, Lambda's API.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
The signer of botocore costs a cold start about 80 ms; this one is checked against it.
"""

import hashlib
import hmac
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote


class Credentials(NamedTuple):
    """AWS credentials; the token is empty for long-lived ones."""

    access_key: str
    secret_key: str
    token: str = ""


class Request(NamedTuple):
    """What is signed. `path` is percent-encoded, as on the request line; `query` is sorted."""

    method: str
    host: str
    path: str
    query: str = ""
    body: bytes = b""


def sign(
    request: Request,
    credentials: Credentials,
    region: str,
    now: datetime,
    headers: dict[str, str] | None = None,
) -> dict[str, str]:
    """Return all headers to send: `headers`, the host, and those of the signature.

    `now` is UTC.
    """
    timestamp = now.strftime("%Y%m%dT%H%M%SZ")
    signed = {**(headers or {}), "host": request.host, "x-amz-date": timestamp}
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(signed))
    scope = f"{timestamp[:8]}/{region}/lambda/aws4_request"
    digest = hashlib.sha256(_canonical(request, signed, names).encode()).hexdigest()
    message = f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{digest}"
    key = _signing_key(credentials.secret_key, timestamp[:8], region)
    signature = hmac.new(key, message.encode(), hashlib.sha256).hexdigest()
    signed["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return signed


def _canonical(request: Request, headers: dict[str, str], names: str) -> str:
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    # Every service but S3 signs the path encoded once more.
    path = quote(request.path, safe="/-_.~")
    body = hashlib.sha256(request.body).hexdigest()
    return f"{request.method}\n{path}\n{request.query}\n{lines}\n{names}\n{body}"


def _signing_key(secret_key: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, "lambda", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key

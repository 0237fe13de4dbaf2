"""Signature Version 4 for the requests of a function: to Lambda, S3, its secrets, WebSockets.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
The signer of botocore costs a cold start about 80 ms; this one is checked against it.
"""

import functools
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple
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
    headers: Mapping[str, str] | None = None,
    service: Literal["execute-api", "lambda", "s3", "secretsmanager", "ssm"] = "lambda",
) -> dict[str, str]:
    """Return all headers to send: `headers`, the host, and those of the signature.

    `now` is UTC. `headers` have names in lower case.
    """
    timestamp = now.strftime("%Y%m%dT%H%M%SZ")
    signed = {**(headers or {}), "host": request.host, "x-amz-date": timestamp}
    body = hashlib.sha256(request.body).hexdigest()
    if service == "s3":  # which wants the hash as a header, too
        signed["x-amz-content-sha256"] = body
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(signed))
    scope = f"{timestamp[:8]}/{region}/{service}/aws4_request"
    # Every service but S3 signs the path encoded once more.
    path = request.path if service == "s3" else quote(request.path, safe="/-_.~")
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    canonical = f"{request.method}\n{path}\n{request.query}\n{lines}\n{names}\n{body}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    message = f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{digest}"
    key = _signing_key(credentials.secret_key, scope)
    signature = hmac.new(key, message.encode(), hashlib.sha256).hexdigest()
    signed["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return signed


@functools.lru_cache(maxsize=16)  # it holds for a day, a region and a service
def _signing_key(secret_key: str, scope: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key

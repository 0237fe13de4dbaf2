import hashlib
from datetime import UTC, datetime

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from adapter.calls.sigv4 import Credentials, Request, sign

INVOKE = "/2015-03-31/functions/shop-Sentiment%3Alive/invocations"
LONG_LIVED = Credentials("AKIDEXAMPLE", "secret")
TEMPORARY = Credentials("ASIAEXAMPLE", "secret", "token/with+signs==")


def botocore_signs(
    request: Request,
    credentials: Credentials,
    region: str,
    timestamp: str,
    headers: dict[str, str],
    service: str = "lambda",
) -> str:
    """Return the authorization header that AWS's own client makes."""
    query = f"?{request.query}" if request.query else ""
    theirs = AWSRequest(
        method=request.method,
        url=f"https://{request.host}{request.path}{query}",
        data=request.body,
        headers={**headers, "host": request.host},
    )
    theirs.context["timestamp"] = timestamp
    theirs.headers["X-Amz-Date"] = timestamp
    frozen = BotoCredentials(
        credentials.access_key,
        credentials.secret_key,
        credentials.token or None,
    )
    if credentials.token:
        theirs.headers["X-Amz-Security-Token"] = credentials.token
    auth = SigV4Auth(frozen, service, region)
    canonical = auth.canonical_request(theirs)
    signature = auth.signature(auth.string_to_sign(theirs, canonical), theirs)
    names = auth.signed_headers(auth.headers_to_sign(theirs))
    scope = auth.scope(theirs)
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}"


@pytest.mark.parametrize("credentials", [LONG_LIVED, TEMPORARY])
@pytest.mark.parametrize(
    "request_",
    [
        Request(method="POST", host="lambda.eu-west-1.amazonaws.com", path=INVOKE, body=b'{"a":1}'),
        Request(method="POST", host="127.0.0.1:3001", path=INVOKE, body="é".encode()),
        Request(method="GET", host="lambda.eu-west-1.amazonaws.com", path="/2015-03-31/functions/"),
        Request(
            method="GET",
            host="lambda.cn-north-1.amazonaws.com.cn",
            path="/2015-03-31/functions/",
            query="Marker=a%2Fb%3D&MaxItems=50",
        ),
    ],
)
def test_signature_is_the_one_that_botocore_makes(
    request_: Request,
    credentials: Credentials,
) -> None:
    now = datetime(2026, 11, 21, 14, 2, 11, tzinfo=UTC)
    headers = {"x-amz-invocation-type": "RequestResponse"}
    expected = botocore_signs(request_, credentials, "eu-west-1", "20261121T140211Z", headers)

    signed = sign(request_, credentials, "eu-west-1", now, headers)

    assert signed["authorization"] == expected


def test_headers_to_send_are_whole() -> None:
    request = Request(method="POST", host="127.0.0.1:3001", path="/", body=b"{}")
    now = datetime(2026, 11, 21, 14, 2, 11, tzinfo=UTC)

    signed = sign(request, TEMPORARY, "eu-west-1", now, {"accept": "application/json"})

    assert signed.pop("authorization").startswith("AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/2026")
    assert signed == {
        "accept": "application/json",
        "host": "127.0.0.1:3001",
        "x-amz-date": "20261121T140211Z",
        "x-amz-security-token": "token/with+signs==",
    }


def test_long_lived_credentials_have_no_token() -> None:
    request = Request(method="GET", host="127.0.0.1", path="/")
    signed = sign(request, LONG_LIVED, "eu-west-1", datetime(2026, 11, 21, tzinfo=UTC))

    assert set(signed) == {"authorization", "host", "x-amz-date"}


@pytest.mark.parametrize("credentials", [LONG_LIVED, TEMPORARY])
@pytest.mark.parametrize(("method", "body"), [("PUT", b"large"), ("GET", b"")])
def test_signature_for_s3_is_the_one_that_botocore_makes(
    credentials: Credentials,
    method: str,
    body: bytes,
) -> None:
    timestamp = "20261121T140211Z"
    request = Request(
        method=method,
        host="bucket.s3.eu-west-1.amazonaws.com",
        path="/calls/a%20b%3Ac",  # signed as it is
        body=body,
    )
    theirs = AWSRequest(method, f"https://{request.host}{request.path}", data=body)
    theirs.context["timestamp"] = timestamp
    theirs.context["payload_signing_enabled"] = True
    theirs.headers["X-Amz-Date"] = timestamp
    theirs.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
    token = credentials.token or None
    if token:
        theirs.headers["X-Amz-Security-Token"] = token
    frozen = BotoCredentials(credentials.access_key, credentials.secret_key, token)
    auth = S3SigV4Auth(frozen, "s3", "eu-west-1")
    signature = auth.signature(auth.string_to_sign(theirs, auth.canonical_request(theirs)), theirs)

    now = datetime(2026, 11, 21, 14, 2, 11, tzinfo=UTC)
    signed = sign(request, credentials, "eu-west-1", now, service="s3")

    assert signed["authorization"].endswith(f", Signature={signature}")
    assert "/eu-west-1/s3/aws4_request" in signed["authorization"]
    assert signed["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()

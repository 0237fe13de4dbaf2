"""Signed requests to Parameter Store and Secrets Manager.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
"""

import asyncio
import json
import ssl
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from adapter.calls import signed_request
from adapter.calls.endpoint import Endpoint, credentials, service_endpoint
from adapter.calls.sigv4 import Credentials, Request
from adapter.errors import ServeError
from adapter.http1 import Response
from adapter.serve.secrets import Reference

LIMIT_S = 8.0  # for all attempts together; Lambda gives init 10 s
_PAUSES_S = (0.1, 0.4, 1.0)  # before the attempts that follow
_THROTTLED = ("ThrottlingException", "TooManyUpdates")


class Unanswered(Exception):
    """Why the value of a secret is not there; never with the value."""


class Secret(NamedTuple):
    """What is asked for once, however many variables are members of it."""

    service: Literal["ssm", "secretsmanager"]
    id: str
    region: str

    @classmethod
    def of(cls, reference: Reference) -> "Secret":
        """Return what a reference is about."""
        return cls(reference.service, reference.id, reference.region)


async def ask(secret: Secret, environ: Mapping[str, str], tls: ssl.SSLContext) -> str:
    """Return the text of a secret.

    Raises `Unanswered` with AWS's code where it refuses, OSError and `ProtocolError` where it
    cannot be reached.
    """
    try:
        variable = f"AWS_ENDPOINT_URL_{'SSM' if secret.service == 'ssm' else 'SECRETS_MANAGER'}"
        where = service_endpoint(secret.service, variable, secret.region, environ)
        # An address of Lambda alone, as under `adapter run`, says nothing of these services.
        others = {name: environ[name] for name in environ if name != "AWS_ENDPOINT_URL_LAMBDA"}
        known = credentials(others)
    except ServeError as error:
        raise Unanswered(str(error)) from None
    if known == Credentials("local", "local"):  # which `adapter run` invents where there are none
        raise Unanswered("there are no AWS credentials.")
    response = await _request(secret, where, known, tls)
    for pause_s in _PAUSES_S:
        if response.status < 500 and _refusal(response)[0] not in _THROTTLED:
            break
        await asyncio.sleep(pause_s)
        response = await _request(secret, where, known, tls)
    if response.status != 200:
        raise Unanswered(": ".join(filter(None, _refusal(response))).rstrip(".") + ".")
    return _text(secret, response)


async def _request(
    secret: Secret,
    where: Endpoint,
    known: Credentials,
    tls: ssl.SSLContext,
) -> Response:
    if secret.service == "ssm":
        target, asked = "AmazonSSM.GetParameter", {"Name": secret.id, "WithDecryption": True}
    else:
        target, asked = "secretsmanager.GetSecretValue", {"SecretId": secret.id}
    body = json.dumps(asked).encode()
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": target}
    request = Request(method="POST", host=where.authority, path="/", body=body)
    return await signed_request.send(request, where, secret.service, known, tls, headers)


def _refusal(response: Response) -> tuple[str, str]:
    """Return AWS's code and its message.

    Of the message only the first line: what follows may quote what was signed, the token of our
    session with it.
    """
    try:
        body = json.loads(response.body)
        code = str(body.get("__type") or "").rpartition("#")[2]
        message = str(body.get("message") or body.get("Message") or "")
    except (ValueError, AttributeError, RecursionError):
        code = message = ""
    header = response.headers.get("x-amzn-errortype", "").split(":")[0]
    return code or header or f"HTTP {response.status}", message.partition("\n")[0][:300]


def _text(secret: Secret, response: Response) -> str:
    try:
        answer: Any = json.loads(response.body)
        found = answer["Parameter"]["Value"] if secret.service == "ssm" else answer["SecretString"]
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, str):
        raise Unanswered("its value is no text.")  # such as SecretBinary
    return found

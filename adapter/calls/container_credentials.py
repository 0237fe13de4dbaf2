"""Credentials that a server beside the process hands out, as functions with SnapStart get them.

A snapshot must not hold keys, so there are none in its variables:
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-activate.html#snapstart-credentials
"""

import json
import time
from collections.abc import Mapping
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from adapter.calls.sigv4 import Credentials
from adapter.errors import ServeError

URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_TIMEOUT_S = 2
_AHEAD_S = 60  # what runs out sooner is renewed
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_known: dict[str, tuple[Credentials, float]] = {}


def container_credentials(environ: Mapping[str, str]) -> Credentials:
    """Return the credentials that `AWS_CONTAINER_CREDENTIALS_FULL_URI` leads to.

    They are kept until a minute before they run out. Raises `ServeError` where nothing readable is
    there, or where the address is of another machine: it is asked without TLS, and the token in
    `AWS_CONTAINER_AUTHORIZATION_TOKEN` must stay on this one.
    """
    uri = environ[URI]
    found = _known.get(uri)
    if found is None or found[1] - time.time() < _AHEAD_S:
        found = _known[uri] = _asked(uri, environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", ""))
    return found[0]


def _asked(uri: str, token: str) -> tuple[Credentials, float]:
    parts = urlsplit(uri)
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
        raise ServeError(f"{URI}={uri!r} must be an http address of this machine.")
    connection = HTTPConnection(parts.hostname, parts.port or 80, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", parts.path or "/", headers={"Authorization": token})
        response = connection.getresponse()
        if response.status != 200:
            raise ServeError(f"no AWS credentials: {uri} answered {response.status}.")
        told = json.loads(response.read())
        keys = Credentials(told["AccessKeyId"], told["SecretAccessKey"], told.get("Token", ""))
        return keys, datetime.fromisoformat(told["Expiration"]).timestamp()
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        raise ServeError(
            f"no AWS credentials: {uri} gave none ({type(error).__name__})."
        ) from error
    finally:
        connection.close()

"""Where Lambda's API is, and who we are to it: read from the environment."""

import functools
import os
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from adapter.calls.sigv4 import Credentials
from adapter.errors import ServeError

# `sam local start-lambda` on the developer's machine, seen from a container of `sam local`.
_SAM_LOCAL = "http://host.docker.internal:3001"


class Endpoint(NamedTuple):
    """Lambda's API in one region, or a stand-in of it on this machine."""

    host: str
    port: int
    tls: bool
    region: str

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = self.port == (443 if self.tls else 80)
        return host if default else f"{host}:{self.port}"


def endpoint(environ: Mapping[str, str] = os.environ) -> Endpoint:
    """Find the endpoint as botocore does: `AWS_ENDPOINT_URL_LAMBDA`, else the region's.

    Raises `ServeError` where neither an endpoint nor a region is set, or the endpoint is no URL.
    """
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or ""
    url = environ.get("AWS_ENDPOINT_URL_LAMBDA") or environ.get("AWS_ENDPOINT_URL") or ""
    if not url and environ.get("AWS_SAM_LOCAL") == "true":
        url = _SAM_LOCAL
    if not url and not region:
        raise ServeError(
            "a handle needs to know where Lambda is: set AWS_REGION, or "
            "AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:3001 to reach `adapter run`.",
        )
    parts = urlsplit(url or _regional(region))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ServeError(
            f"{url!r} is no http or https URL; set AWS_ENDPOINT_URL_LAMBDA to one, for example "
            "http://127.0.0.1:3001.",
        )
    tls = parts.scheme == "https"
    return Endpoint(
        host=parts.hostname,
        port=parts.port or (443 if tls else 80),
        tls=tls,
        region=region or "us-east-1",
    )


def _regional(region: str) -> str:
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://lambda.{region}.{suffix}"


def credentials(environ: Mapping[str, str] = os.environ) -> Credentials:
    """Return the credentials of the environment, as every Lambda function has them.

    A script on a developer's machine may have them in a profile instead; boto3 finds those, where
    it is installed. Raises `ServeError` where there are none.
    """
    if environ.get("AWS_ACCESS_KEY_ID"):
        return Credentials(
            environ["AWS_ACCESS_KEY_ID"],
            environ.get("AWS_SECRET_ACCESS_KEY", ""),
            environ.get("AWS_SESSION_TOKEN", ""),
        )
    if "AWS_ENDPOINT_URL_LAMBDA" in environ:
        return Credentials("local", "local")
    return _from_boto3()


def _from_boto3() -> Credentials:
    frozen = _boto3_credentials().get_frozen_credentials()  # renewed when they run out
    return Credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token or "")


@functools.cache
def _boto3_credentials() -> Any:
    try:
        import boto3  # noqa: PLC0415 - 150 ms that a function never needs
    except ImportError as error:
        raise ServeError(
            "no AWS credentials in the environment; set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or install boto3, which reads profiles.",
        ) from error
    found = boto3.Session().get_credentials()
    if found is None:
        raise ServeError("no AWS credentials found; run `aws configure` or set AWS_ACCESS_KEY_ID.")
    return found

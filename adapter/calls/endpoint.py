"""Where Lambda and other services are, and who we are to them: read from the environment."""

import contextlib
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
    """An API of AWS in one region, or a stand-in of it on this machine."""

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
    region = known_region(environ)
    url = environ.get("AWS_ENDPOINT_URL_LAMBDA") or environ.get("AWS_ENDPOINT_URL") or ""
    if not url and environ.get("AWS_SAM_LOCAL") == "true":
        url = _SAM_LOCAL
    if not url and not region:
        raise ServeError(
            "a handle needs to know where Lambda is: set AWS_REGION, or "
            "AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:3001 to reach `adapter run`.",
        )
    return located(url or regional("lambda", region), region, "AWS_ENDPOINT_URL_LAMBDA")


def bucket_endpoint(bucket: str, environ: Mapping[str, str] = os.environ) -> tuple[Endpoint, str]:
    """Find where the objects of a bucket are: the endpoint, and what comes before their keys.

    `adapter run` says it in `ADAPTER_PAYLOAD_ENDPOINT`. Else it is found as botocore does:
    `AWS_ENDPOINT_URL_S3`, else the region's. Raises `ServeError` as `endpoint` does.
    """
    region = known_region(environ)
    for variable in ("ADAPTER_PAYLOAD_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if url := environ.get(variable):
            return located(url, region, variable), f"/{bucket}/"
    if not region:
        raise ServeError("a handle needs to know where S3 is: set AWS_REGION.")
    return located(regional(f"{bucket}.s3", region), region, "AWS_REGION"), "/"


def service_endpoint(
    service: str,
    variable: str,
    region: str = "",
    environ: Mapping[str, str] = os.environ,
) -> Endpoint:
    """Find the endpoint of a service as botocore does: in `variable`, else the region's.

    `region` goes before that of the environment. Raises `ServeError` as `endpoint` does.
    """
    region = region or known_region(environ)
    for name in (variable, "AWS_ENDPOINT_URL"):
        if url := environ.get(name):
            return located(url, region, name)
    if not region:
        raise ServeError("no region is known: set AWS_REGION.")
    return located(regional(service, region), region, variable)


def known_region(environ: Mapping[str, str]) -> str:
    """Return the region that the environment names, empty where it names none."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or ""


@functools.lru_cache(maxsize=16)  # handles ask for each call
def located(url: str, region: str, variable: str) -> Endpoint:
    """Read the URL of an endpoint. Raises `ServeError` where it is none; `variable` has set it."""
    host, port = None, None
    with contextlib.suppress(ValueError):  # of a port, or of an address in brackets
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    if not host or parts.scheme not in ("http", "https"):
        raise ServeError(
            f"{url!r} is no http or https URL; set {variable} to one, for example "
            "http://127.0.0.1:3001.",
        )
    tls = parts.scheme == "https"
    return Endpoint(
        host=host,
        port=port or (443 if tls else 80),
        tls=tls,
        region=region or "us-east-1",
    )


def regional(service: str, region: str) -> str:
    """Return the URL of a service in a region."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{service}.{region}.{suffix}"


def credentials(environ: Mapping[str, str] = os.environ) -> Credentials:
    """Return the credentials of the environment, as every Lambda function has them.

    With SnapStart they are in no variable: a server beside the function hands them out. A script
    on a developer's machine may have them in a profile instead; boto3 finds those, where
    it is installed. Raises `ServeError` where there are none.
    """
    if environ.get("AWS_ACCESS_KEY_ID"):
        return Credentials(
            environ["AWS_ACCESS_KEY_ID"],
            environ.get("AWS_SECRET_ACCESS_KEY", ""),
            environ.get("AWS_SESSION_TOKEN", ""),
        )
    if "AWS_CONTAINER_CREDENTIALS_FULL_URI" in environ:
        from adapter.calls.container_credentials import (  # noqa: PLC0415 - http.client: 10 ms
            container_credentials,
        )

        return container_credentials(environ)
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

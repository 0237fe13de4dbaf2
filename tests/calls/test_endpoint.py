import re
import sys
from pathlib import Path

import pytest

from adapter.calls.endpoint import (
    Endpoint,
    _boto3_credentials,
    bucket_endpoint,
    credentials,
    endpoint,
)
from adapter.calls.sigv4 import Credentials
from adapter.errors import ServeError


@pytest.mark.parametrize(
    ("variables", "host", "port", "tls", "region", "authority"),
    [
        (
            {"AWS_REGION": "eu-west-1"},
            *("lambda.eu-west-1.amazonaws.com", 443, True, "eu-west-1"),
            "lambda.eu-west-1.amazonaws.com",
        ),
        (
            {"AWS_DEFAULT_REGION": "us-gov-west-1"},
            *("lambda.us-gov-west-1.amazonaws.com", 443, True, "us-gov-west-1"),
            "lambda.us-gov-west-1.amazonaws.com",
        ),
        (
            {"AWS_REGION": "cn-north-1"},
            *("lambda.cn-north-1.amazonaws.com.cn", 443, True, "cn-north-1"),
            "lambda.cn-north-1.amazonaws.com.cn",
        ),
        (
            {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"},
            *("lambda.eu-west-1.amazonaws.com", 443, True, "eu-west-1"),
            "lambda.eu-west-1.amazonaws.com",
        ),
        (
            {"AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:3001"},
            *("127.0.0.1", 3001, False, "us-east-1"),
            "127.0.0.1:3001",
        ),
        (
            {
                "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:3001",
                "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
                "AWS_REGION": "eu-west-1",
            },
            *("127.0.0.1", 3001, False, "eu-west-1"),
            "127.0.0.1:3001",
        ),
        (
            {"AWS_ENDPOINT_URL": "http://localhost:4566/", "AWS_REGION": "eu-west-1"},
            *("localhost", 4566, False, "eu-west-1"),
            "localhost:4566",
        ),
        (
            {"AWS_ENDPOINT_URL_LAMBDA": "https://vpce-1.lambda.eu-west-1.vpce.amazonaws.com"},
            *("vpce-1.lambda.eu-west-1.vpce.amazonaws.com", 443, True, "us-east-1"),
            "vpce-1.lambda.eu-west-1.vpce.amazonaws.com",
        ),
        (
            {"AWS_ENDPOINT_URL_LAMBDA": "http://gateway"},
            *("gateway", 80, False, "us-east-1"),
            "gateway",
        ),
        (
            {"AWS_ENDPOINT_URL_LAMBDA": "http://[::1]:3001"},
            *("::1", 3001, False, "us-east-1"),
            "[::1]:3001",
        ),
        (
            {"AWS_SAM_LOCAL": "true", "AWS_REGION": "eu-west-1"},
            *("host.docker.internal", 3001, False, "eu-west-1"),
            "host.docker.internal:3001",
        ),
    ],
)
def test_endpoint_is_found_as_botocore_finds_it(
    variables: dict[str, str],
    host: str,
    port: int,
    tls: bool,  # noqa: FBT001 - a column of the table
    region: str,
    authority: str,
) -> None:
    found = endpoint(variables)

    assert found == Endpoint(host=host, port=port, tls=tls, region=region)
    assert found.authority == authority


def test_no_region_and_no_endpoint_is_an_error_with_the_remedy() -> None:
    with pytest.raises(ServeError, match="set AWS_REGION, or AWS_ENDPOINT_URL_LAMBDA"):
        endpoint({})


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:3001",
        "localhost:3001",
        "ftp://a",
        "http://",
        "x",
        "http://a:port",
        "http://a:70000",
        "http://[::1",
    ],
)
def test_endpoint_that_is_no_url_is_an_error(url: str) -> None:
    with pytest.raises(ServeError, match=re.escape(f"'{url}' is no http or https URL")):
        endpoint({"AWS_ENDPOINT_URL_LAMBDA": url})


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"},
            Credentials("a", "b", "c"),
        ),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, Credentials("a", "b")),
        (
            {"AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:3001", "AWS_ACCESS_KEY_ID": "a"},
            Credentials("a", ""),
        ),
        ({"AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:3001"}, Credentials("local", "local")),
    ],
)
def test_credentials_of_the_environment(
    variables: dict[str, str],
    expected: Credentials,
) -> None:
    assert credentials(variables) == expected


@pytest.fixture(autouse=True)
def _fresh() -> None:
    _boto3_credentials.cache_clear()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


def test_credentials_of_a_profile_are_read_by_boto3(home: Path) -> None:
    profile = "[default]\naws_access_key_id = key\naws_secret_access_key = secret\n"
    (home / "credentials").write_text(profile)

    assert credentials({}) == Credentials("key", "secret")


@pytest.mark.usefixtures("home")
def test_no_credentials_anywhere_is_an_error_with_the_remedy() -> None:
    with pytest.raises(ServeError, match="no AWS credentials found; run `aws configure`"):
        credentials({})


def test_no_credentials_and_no_boto3_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)

    with pytest.raises(ServeError, match="or install boto3, which reads profiles"):
        credentials({})


@pytest.mark.parametrize(
    ("variables", "where", "prefix"),
    [
        ({"AWS_REGION": "eu-west-1"}, "b.s3.eu-west-1.amazonaws.com", "/"),
        ({"AWS_DEFAULT_REGION": "us-east-1"}, "b.s3.us-east-1.amazonaws.com", "/"),
        ({"AWS_REGION": "cn-north-1"}, "b.s3.cn-north-1.amazonaws.com.cn", "/"),
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000"}, "127.0.0.1:9000", "/b/"),
        (
            {"AWS_ENDPOINT_URL": "http://localhost:4566", "AWS_REGION": "eu-west-1"},
            *("localhost:4566", "/b/"),
        ),
        (
            {
                "ADAPTER_PAYLOAD_ENDPOINT": "http://127.0.0.1:3001",
                "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000",
            },
            *("127.0.0.1:3001", "/b/"),
        ),
    ],
)
def test_bucket_is_where_botocore_would_look(
    variables: dict[str, str],
    where: str,
    prefix: str,
) -> None:
    found, before = bucket_endpoint("b", variables)

    assert (found.authority, before) == (where, prefix)


def test_bucket_needs_a_region_or_an_endpoint() -> None:
    with pytest.raises(ServeError, match="needs to know where S3 is"):
        bucket_endpoint("b", {})
    with pytest.raises(ServeError, match="set AWS_ENDPOINT_URL_S3 to one"):
        bucket_endpoint("b", {"AWS_ENDPOINT_URL_S3": "s3.local"})

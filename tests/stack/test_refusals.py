"""What AWS may refuse, as the command line says it: no traceback anywhere."""

import os
from pathlib import Path

import pytest
from botocore import exceptions

from adapter.errors import StackError
from adapter.stack.refusals import NoAccess, Unreachable, aws_errors, explained
from tests.aws import Aws, aws, error, region

__all__ = ["aws", "region"]


def test_a_refusal_is_exit_code_1_of_the_process(aws: Aws, tmp_path: Path) -> None:
    aws.answers("POST DescribeStacks", error("AccessDenied", "not yours", 403))

    done = aws.run(tmp_path, "status", "--stack", "shop")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: AWS refuses DescribeStacks: not yours\n"


def said(aws: Aws, folder: Path, *options: str, **environ: str) -> str:
    done = aws.call(folder, "status", "--stack", "shop", *options, **environ)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def test_no_credentials(aws: Aws, tmp_path: Path) -> None:
    text = said(aws, tmp_path, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")

    assert text.startswith("error: no AWS credentials. Run `aws configure`")


def test_no_region(aws: Aws, tmp_path: Path) -> None:
    text = said(aws, tmp_path, AWS_DEFAULT_REGION="")

    assert text == "error: no AWS region. Give --region, or set AWS_REGION.\n"


def test_no_such_profile(aws: Aws, tmp_path: Path) -> None:
    assert "profile (nobody) could not be found" in said(aws, tmp_path, "--profile", "nobody")


def test_no_way_to_it(aws: Aws, tmp_path: Path) -> None:
    text = said(aws, tmp_path, AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")

    assert text.startswith("error: AWS cannot be reached: Could not connect")


def test_no_boto3(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "boto3.py").write_text("raise ImportError('no boto3')")

    place = f"{tmp_path}{os.pathsep}{aws.environ['PYTHONPATH']}"
    done = aws.run(tmp_path, "status", "--stack", "shop", PYTHONPATH=place)

    assert done.returncode == 1
    assert done.stderr == "error: this needs boto3: pip install 'serve-adapter[aws]'.\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AccessDenied", "error: AWS refuses DescribeStacks: not yours\n"),
        ("ExpiredToken", "error: the AWS credentials have expired. Sign in again"),
        ("InvalidClientTokenId", "error: AWS does not know the credentials (InvalidClientTokenId)"),
        ("Nonsense", "error: DescribeStacks: Nonsense: not yours\n"),
    ],
)
def test_each_refusal_is_one_clear_error(
    aws: Aws,
    tmp_path: Path,
    code: str,
    expected: str,
) -> None:
    aws.answers("POST DescribeStacks", error(code, "not yours", 403))

    assert said(aws, tmp_path).startswith(expected)


def test_no_such_stack_says_where_it_looked(aws: Aws, tmp_path: Path) -> None:
    assert said(aws, tmp_path).startswith("error: there is no stack 'shop' in eu-central-1.")


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (exceptions.NoCredentialsError(), NoAccess),
        (exceptions.PartialCredentialsError(provider="env", cred_var="x"), NoAccess),
        (exceptions.NoRegionError(), NoAccess),
        (exceptions.EndpointConnectionError(endpoint_url="x"), Unreachable),
        (exceptions.ConnectTimeoutError(endpoint_url="x"), Unreachable),
        (exceptions.ReadTimeoutError(endpoint_url="x"), NoAccess),
        (exceptions.SSLError(endpoint_url="x", error=ValueError("y")), NoAccess),
        (exceptions.ProxyConnectionError(proxy_url="x"), NoAccess),
        (exceptions.SSOTokenLoadError(error_msg="x"), StackError),
        (exceptions.UnauthorizedSSOTokenError(), StackError),
        (exceptions.ParamValidationError(report="x"), StackError),
    ],
)
def test_what_botocore_raises_is_explained(raised: Exception, kind: type[StackError]) -> None:
    with pytest.raises(StackError) as told, aws_errors():
        raise raised

    assert type(told.value) is kind


def test_other_errors_pass() -> None:
    assert explained(ValueError("x")) is None
    with pytest.raises(ZeroDivisionError), aws_errors():
        raise ZeroDivisionError

"""What botocore raises, as one clear error each: what was refused, and what to do."""

import contextlib
from collections.abc import Iterator
from typing import Any

from adapter.errors import StackError

_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired")
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden", "403")
_UNKNOWN = (
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "AuthFailure",
    "IncompleteSignature",
    "MissingAuthenticationToken",
)
NO_REGION = "no AWS region. Give --region, or set AWS_REGION."
_SIGN_IN = "Sign in again (`aws sso login`, `aws configure`), or give --profile."


class NoAccess(StackError):
    """AWS was not asked at all: no boto3, no credentials, no region, or no way to it."""


class Unreachable(NoAccess):
    """Nobody listens where AWS, or what stands in for it, should be."""


class StackNotFound(StackError):
    """There is no stack of that name."""


@contextlib.contextmanager
def aws_errors() -> Iterator[None]:
    """Raise `StackError` for whatever botocore raises inside; other errors pass."""
    try:
        yield
    except Exception as error:
        if (clear := explained(error)) is None:
            raise
        raise clear from error


def explained(error: BaseException) -> StackError | None:
    """Return the clear error for one of botocore's, None for any other."""
    if type(error).__module__.partition(".")[0] not in ("botocore", "boto3"):
        return None
    from botocore import exceptions  # noqa: PLC0415 - loaded already, where one of its errors is

    match error:
        case exceptions.ClientError():
            return _refused(error)
        case exceptions.NoCredentialsError() | exceptions.PartialCredentialsError():
            return NoAccess(
                "no AWS credentials. Run `aws configure` or `aws sso login`, set AWS_PROFILE or "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --profile.",
            )
        case exceptions.NoRegionError():
            return NoAccess(NO_REGION)
        case exceptions.ConnectionError() | exceptions.HTTPClientError():
            nobody = (exceptions.EndpointConnectionError, exceptions.ConnectTimeoutError)
            kind = Unreachable if isinstance(error, nobody) else NoAccess
            return kind(f"AWS cannot be reached: {error}")
    return StackError(_advised(error))


def _advised(error: BaseException) -> str:
    name = type(error).__name__
    if name == "ProfileNotFound":
        return f"{error}. `aws configure list-profiles` lists them."
    return f"{error} {_SIGN_IN}" if "SSO" in name or "Token" in name else str(error)


def _refused(error: Any) -> StackError:
    told = error.response.get("Error", {})
    code, text = str(told.get("Code", "")), str(told.get("Message", ""))
    if code == "ValidationError" and "does not exist" in text:
        return StackNotFound(text)
    if code in _EXPIRED:
        text = f"the AWS credentials have expired. {_SIGN_IN}"
    elif code in _UNKNOWN:
        text = f"AWS does not know the credentials ({code}). {_SIGN_IN}"
    elif code in _DENIED:
        text = f"AWS refuses {error.operation_name}: {text or code}"
    else:
        text = f"{error.operation_name}: {code}: {_first_line(text)}"
    return StackError(text)


def _first_line(text: str) -> str:
    """What is no AWS may answer with a page of HTML."""
    return text.strip().splitlines()[0] if text.strip() else "no reason given"


def error_code(error: BaseException) -> str:
    """Return the code of one of AWS's errors, "" of any other one."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))

"""Run Ray-Serve-style deployments and FastAPI applications as AWS Lambda functions.

`from adapter import serve` is the programming model, `lambda_handler` the one line for who only
has an ASGI application. Importing this package loads nothing but the standard library: inside a
function every import is paid for at each cold start.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adapter.function import lambda_handler

__all__ = ["__version__", "lambda_handler"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "lambda_handler":
        from adapter.function import lambda_handler  # noqa: PLC0415 - loaded when used

        return lambda_handler
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)

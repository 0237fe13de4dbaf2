"""The types in the adapters' signatures, each loaded when FastAPI reads the signature.

Annotations say them as text, `"schemas.Request"`, which is looked up here only then.
"""

from typing import TYPE_CHECKING, Annotated, Any

from adapter.serve import older

if TYPE_CHECKING:
    from starlette.requests import Request

    from adapter.http_adapters.ndarray import NdArray

    FormFile = bytes

__all__ = ["FormFile", "NdArray", "Request"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        older.say("adapter.http_adapters", "the parameters of a FastAPI route")
    if name == "NdArray":
        from adapter.http_adapters.ndarray import NdArray  # noqa: PLC0415 - loaded when used

        return NdArray
    if name == "Request":
        from starlette.requests import Request  # noqa: PLC0415 - loaded when used

        return Request
    if name == "FormFile":
        from fastapi import File  # noqa: PLC0415 - loaded when used

        return Annotated[bytes, File()]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""From an HTTP request to what a model takes: `DAGDriver.bind(model, http_adapter=json_request)`.

The older form of Ray Serve, which dropped it in 2.9. The adapters are FastAPI dependencies as well:
`array: Any = Depends(json_to_ndarray)`; their parameters become part of the OpenAPI document.

Programs import this module wherever they import their models, so importing it loads nothing but the
standard library. The types in the signatures are loaded when FastAPI asks for them, NumPy, Pillow
and pandas when an adapter that needs them is called.
"""

from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

from adapter.http_adapters import schemas
from adapter.http_adapters.packages import require_packages

if TYPE_CHECKING:
    from adapter.http_adapters.ndarray import NdArray

__all__ = [
    "NdArray",
    "image_to_ndarray",
    "json_request",
    "json_to_multi_ndarray",
    "json_to_ndarray",
    "pandas_read_json",
    "require_packages",
    "starlette_request",
]

_NUMERIC = "biufc"  # kinds of NumPy types: booleans and numbers


@require_packages(["numpy"])
def json_to_ndarray(payload: "schemas.NdArray") -> Any:
    """Make a NumPy array of a JSON body: `{"array": [1, 2, 3, 4], "shape": [2, 2]}`.

    Numbers are read as floats; `dtype` makes them something else. Raises ValueError where the
    numbers do not fit the shape or the type is not one of numbers, TypeError where there is no such
    type; to the client these are a 500, as in Ray Serve. A body of another form is a 422.
    """
    import numpy as np  # noqa: PLC0415 - loaded when used

    array = np.array(payload.array)
    if payload.shape:
        array = array.reshape(payload.shape)
    if payload.dtype:
        array = array.astype(_number_type(payload.dtype))
    return array


def _number_type(name: str) -> Any:
    """Return a NumPy type by its name, which is the client's: texts could be of any length."""
    import numpy as np  # noqa: PLC0415 - loaded when used

    kind = np.dtype(name)
    if kind.kind not in _NUMERIC:
        raise ValueError(f"dtype={name!r} must be a type of numbers or booleans, like 'float32'.")
    return kind


def json_to_multi_ndarray(payload: "dict[str, schemas.NdArray]") -> dict[str, Any]:
    """Make NumPy arrays of a JSON body: `{"a": {"array": [1]}, "b": {"array": [2]}}`.

    Raises what `json_to_ndarray` raises.
    """
    return {name: json_to_ndarray(array) for name, array in payload.items()}


async def starlette_request(request: "schemas.Request") -> "schemas.Request":
    """Pass on the request itself, its body read."""
    await request.body()
    return request


async def json_request(request: "schemas.Request") -> Any:
    """Read the body as JSON, of any kind. Raises ValueError, a 500, where it is none."""
    return await request.json()


@require_packages(["PIL", "numpy"])
def image_to_ndarray(img: "schemas.FormFile") -> Any:
    """Make a NumPy array of a picture: the file `img` of a form, in a format that Pillow reads.

    The array has a row for each line of pixels. Raises `PIL.UnidentifiedImageError`, a 500, for
    anything else.
    """
    import numpy as np  # noqa: PLC0415 - loaded when used
    from PIL import Image  # noqa: PLC0415 - loaded when used

    with Image.open(BytesIO(img)) as image:
        return np.array(image)


@require_packages(["pandas"])
async def pandas_read_json(raw_request: "schemas.Request") -> Any:
    """Make a pandas DataFrame of a JSON body.

    The query parameters are those of `pandas.read_json`, as text: `?orient=records`. Raises what
    that raises, a 500.
    """
    import pandas as pd  # noqa: PLC0415 - loaded when used

    body = await raw_request.body()
    # Not as a string: pandas would take one for the path or the URL of a file.
    return pd.read_json(StringIO(body.decode()), **raw_request.query_params)


def __getattr__(name: str) -> Any:
    if name == "NdArray":
        return schemas.NdArray  # it loads Pydantic
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

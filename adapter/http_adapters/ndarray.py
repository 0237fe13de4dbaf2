"""The JSON form of an array of numbers."""

from pydantic import BaseModel, Field

_Row = list[float]
_Plane = list[_Row]
_Space = list[_Plane]


class NdArray(BaseModel):
    """An array of numbers in JSON: nested lists of up to four dimensions, or a flat list to shape.

    `json_to_ndarray` makes a NumPy array of it.
    """

    array: _Row | _Plane | _Space | list[_Space] = Field(
        description="The numbers as lists, nested up to four times, or as one list with a `shape`.",
    )
    shape: list[int] | None = Field(
        default=None,
        description="What the array is reshaped to.",
    )
    dtype: str | None = Field(
        default=None,
        description="The NumPy type of the array, such as `int32`; without it floats.",
    )


# Where users import it from, and where an entry point must find it.
NdArray.__module__ = "adapter.http_adapters"

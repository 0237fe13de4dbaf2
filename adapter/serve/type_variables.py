"""What carries types from a decorated class to the results of its calls, for type checkers.

A handle without a type in brackets is one of anything. Only typing_extensions can say so before
Python 3.13, and at run time nothing needs it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import ParamSpec, TypeVar

    # A class, or a function without parameters, that makes what a deployment holds.
    Makes_co = TypeVar("Makes_co", covariant=True, default=Any)
    # What a deployment holds: an instance of its class, or its function.
    Held_co = TypeVar("Held_co", covariant=True, default=Any)
    Result_co = TypeVar("Result_co", covariant=True, default=Any)
else:
    from typing import ParamSpec, TypeVar

    Makes_co = TypeVar("Makes_co", covariant=True)
    Held_co = TypeVar("Held_co", covariant=True)
    Result_co = TypeVar("Result_co", covariant=True)

Class = TypeVar("Class", bound=type)
Held = TypeVar("Held")
Item = TypeVar("Item")
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Function = Callable[Parameters, Result]

"""Python runtimes that AWS no longer patches, or will no longer accept."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from adapter.check.stack import Stack
from adapter.check.values import Fault

# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html, as it was then. AWS has moved
# such dates before.
AS_OF = date(2026, 11, 20)


class Support(NamedTuple):
    """From when on a runtime gets no patches, and from when on AWS takes no new functions."""

    deprecated: date
    no_new_functions: date


SUPPORT = {
    "python3.9": Support(date(2025, 12, 15), date(2027, 2, 1)),
    "python3.10": Support(date(2026, 10, 31), date(2027, 2, 1)),
    "python3.11": Support(date(2027, 6, 30), date(2027, 7, 31)),
    "python3.12": Support(date(2028, 10, 31), date(2028, 11, 30)),
    "python3.13": Support(date(2029, 6, 30), date(2029, 7, 31)),
    "python3.14": Support(date(2029, 6, 30), date(2029, 7, 31)),
}
_LONG_GONE = frozenset({"python2.7", *(f"python3.{minor}" for minor in (6, 7, 8))})
_REMEDY = (
    "Choose a newer one: --runtime, or runtime in [tool.adapter]; python3.13 has every feature."
)


def refused(stack: Stack) -> Iterator[Fault]:
    """AWS creates no function with it any more."""
    for where, runtime, logical_id in _runtimes(stack):
        support = SUPPORT.get(runtime)
        if support and stack.today >= support.no_new_functions:
            reason = f"AWS takes no new functions with {runtime} since {support.no_new_functions}"
            yield Fault(where, f"{reason} (table of {AS_OF}).", _REMEDY, logical_id)


def unpatched(stack: Stack) -> Iterator[Fault]:
    """AWS runs it and patches it no more."""
    for where, runtime, logical_id in _runtimes(stack):
        support = SUPPORT.get(runtime)
        if runtime in _LONG_GONE:
            yield Fault(where, f"{runtime} has been out of support for years.", _REMEDY, logical_id)
        elif support and support.deprecated <= stack.today < support.no_new_functions:
            reason = f"{runtime} is without security patches since {support.deprecated}"
            yield Fault(where, f"{reason} (table of {AS_OF}).", _REMEDY, logical_id)


def _runtimes(stack: Stack) -> Iterator[tuple[str, str, str]]:
    for function in stack.functions:
        if function.properties.get("PackageType") != "Image":
            runtime = str(function.properties.get("Runtime", ""))
            yield function.where, runtime, function.logical_id

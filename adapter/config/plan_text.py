"""A plan as JSON text, so that it can be made in another process."""

import dataclasses
import json
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

from adapter.plan.values import ApplicationPlan


def dump_plan(plan: ApplicationPlan) -> str:
    """Write a plan down."""
    return json.dumps(dataclasses.asdict(plan))


def load_plan(text: str) -> ApplicationPlan:
    """Read what `dump_plan` wrote."""
    plan: ApplicationPlan = _load(ApplicationPlan, json.loads(text))
    return plan


def _load(kind: Any, value: Any) -> Any:
    """Make of JSON what an annotation says: JSON has no tuples, and no classes."""
    if get_origin(kind) in (Union, types.UnionType):
        kind = next((one for one in get_args(kind) if _fits(one, value)), Any)
    if isinstance(value, list):
        item = next(iter(get_args(kind)), Any)
        return tuple(_load(item, one) for one in value)
    if isinstance(value, dict) and isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{name: _load(hints[name], inner) for name, inner in value.items()})
    return value


def _fits(kind: Any, value: Any) -> bool:
    if isinstance(value, dict):
        return dataclasses.is_dataclass(kind) or get_origin(kind) is Mapping
    return isinstance(value, list) and get_origin(kind) is tuple

"""Application builders: functions of one parameter that make an application of arguments."""

import inspect
import typing
from collections.abc import Mapping
from typing import Any, get_origin

from adapter.errors import TargetError, did_you_mean
from adapter.serve.deployments import Application, Deployment

_SHAPE = "An application builder is a function of exactly one parameter, its arguments as a dict"


class WrongArguments(TargetError):
    """A builder refuses its arguments; `mistakes` are places in them, and what is wrong there."""

    def __init__(self, target: str, mistakes: list[tuple[tuple[Any, ...], str]]) -> None:
        self.mistakes = mistakes
        lines = [f"argument {_shown(place)}: {what}" for place, what in mistakes]
        super().__init__("\n".join([f"{target} cannot take these arguments.", *lines]))


def is_builder(found: Any) -> bool:
    """Whether it is a function of exactly one parameter."""
    return inspect.isfunction(found) and _parameter(found) is not None


def makes_application(found: Any) -> bool:
    """Whether a function is annotated to return a bound application."""
    try:
        returned = typing.get_type_hints(found).get("return")
    except Exception:  # noqa: BLE001 - annotations are the user's code, and may name anything
        return False
    return (get_origin(returned) or returned) is Application


def call_builder(builder: Any, arguments: Mapping[str, Any], target: str) -> Application[Any]:
    """Call a builder with its arguments, as a dict or as the Pydantic model that it asks for.

    `target` is how the user named it. Raises `WrongArguments` where the model refuses them, or
    where the builder asks for one that is not there, `TargetError` where it returns no application,
    and whatever else it raises.
    """
    if inspect.iscoroutinefunction(builder):
        raise TargetError(f"{target} is async; an application builder is a plain function.")
    taken = _taken(builder, arguments, target)
    try:
        found = builder(taken)
    except KeyError as error:
        if not _is_missing(error, builder, arguments):
            raise
        what = "is missing; the builder asks for it"
        raise WrongArguments(target, [((error.args[0],), what)]) from error
    if isinstance(found, Deployment):
        raise TargetError(
            f"{target} returned a deployment that is not bound yet; return "
            f"{found.name}.bind() instead.",
        )
    if not isinstance(found, Application):
        raise TargetError(
            f"{target} is called as an application builder, because it has one parameter, and "
            f"returned {found!r:.80}. Expected an application made by Deployment.bind().",
        )
    return found


def refuse_arguments(found: Any, arguments: Mapping[str, Any], target: str) -> None:
    """Raise `TargetError` where there are arguments, which only a builder can take."""
    if not arguments:
        return
    given = ", ".join(str(name) for name in arguments)
    raise TargetError(f"{target} cannot take arguments ({given}): {not_a_builder(found)}")


def not_a_builder(found: Any) -> str:
    """Say why something is no application builder, and what one is."""
    if isinstance(found, Application):
        return f"it is an application that is bound already. {_SHAPE}."
    if not inspect.isfunction(found):
        return f"it is no function. {_SHAPE}."
    parameters = list(inspect.signature(found).parameters.values())
    has = f"{len(parameters)} parameters" if parameters else "no parameter"
    if len(parameters) == 1:
        has = f"the parameter {parameters[0]}"
    name = found.__name__ if found.__name__.isidentifier() else "app"
    return f"it has {has}. {_SHAPE}: def {name}(args): ..."


def _parameter(function: Any) -> inspect.Parameter | None:
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) != 1:
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return parameters[0] if parameters[0].kind in kinds else None


def _taken(builder: Any, arguments: Mapping[str, Any], target: str) -> Any:
    """Return what the builder is called with: the model of its annotation, else a dict."""
    model = _model(builder, target)
    if model is None:
        return dict(arguments)
    mistakes = _unknown(model, arguments)
    try:
        made = model.model_validate(dict(arguments))
    except ValueError as error:
        if not hasattr(error, "errors"):  # not Pydantic's, but the user's own validator's
            raise
        mistakes += [(tuple(found["loc"]), _said(found)) for found in error.errors()]
    if mistakes:
        raise WrongArguments(target, mistakes)
    return made


def _model(builder: Any, target: str) -> Any:
    try:
        hints = typing.get_type_hints(builder)
    except NameError as error:
        raise TargetError(f"{target}: its annotations cannot be read: {error}.") from error
    parameter = _parameter(builder)
    wanted = hints.get(parameter.name) if parameter else None
    return wanted if inspect.isclass(wanted) and hasattr(wanted, "model_validate") else None


def _unknown(model: Any, arguments: Mapping[str, Any]) -> list[tuple[tuple[Any, ...], str]]:
    """Find arguments that the model would drop unseen, unless it says that it does."""
    if "extra" in model.model_config:
        return []
    known = set(model.model_fields)
    for field in model.model_fields.values():
        if not isinstance(field.validation_alias, str | None):
            return []  # one of several places: only Pydantic knows
        known |= {field.validation_alias} - {None}
    return [
        ((name,), f"{model.__name__} has no such field.{_hint(str(name), known)}")
        for name in arguments
        if name not in known
    ]


def _hint(name: str, known: set[str]) -> str:
    return did_you_mean(name, known) or f" Known are {', '.join(sorted(known))}."


def _said(found: Any) -> str:
    """Write what Pydantic expected, and what it found."""
    expected = f"{found['msg'][:1].lower()}{found['msg'][1:]}"
    return expected if found["type"] == "missing" else f"{expected}; found {found['input']!r:.80}"


def _is_missing(error: KeyError, builder: Any, arguments: Mapping[str, Any]) -> bool:
    """Whether the builder itself, not what it calls, looked for an argument that is not there."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    inside = trace is not None and trace.tb_frame.f_code is builder.__code__
    return inside and len(error.args) == 1 and error.args[0] not in arguments


def _shown(place: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in place) or "list"

"""How HTTP reaches a function: its function URL, and what the user should know about either way."""

import inspect
from collections.abc import Iterable
from typing import Any

from adapter.errors import PlanError
from adapter.plan.values import FunctionPlan, FunctionUrl, RoutePlan
from adapter.serve.ingresses import ingress_of
from adapter.serve.lambda_options import LambdaOptions


def function_url(name: str, func_or_class: Any, options: LambdaOptions) -> FunctionUrl | None:
    """Return the function URL that a deployment asks for.

    Raises `PlanError` where it could not answer: no HTTP is served, or nothing can stream.
    """
    if options.url in (None, "none"):
        return None
    if not serves_http(func_or_class):
        raise PlanError(
            f"{name}: url={options.url!r}, but the class has neither @serve.ingress nor __call__, "
            "so it serves no HTTP. Give it one of them, or remove url.",
        )
    url = FunctionUrl(
        streams=options.url.endswith("stream"),
        public=options.url.startswith("public-"),
        cors=options.cors,
    )
    if url.streams and not options.exec_wrapper:
        raise PlanError(
            f"{name}: url={options.url!r} with exec_wrapper=False: AWS's own Python runtime client "
            "cannot stream. Remove exec_wrapper=False, or take a buffered URL.",
        )
    return url


def serves_http(func_or_class: Any) -> bool:
    """Whether HTTP requests to a deployment can be answered at all."""
    if not inspect.isclass(func_or_class) or ingress_of(func_or_class) is not None:
        return True
    return any("__call__" in base.__dict__ for base in func_or_class.__mro__)


def ingress_notes(name: str, func_or_class: Any, options: LambdaOptions) -> list[str]:
    """Say what HTTP will meet at the ingress that the user may not expect."""
    if serves_http(func_or_class) or options.api == "none":
        return []
    note = (
        f"{name}: has neither @serve.ingress nor __call__, so every HTTP request fails. "
        'LambdaOptions(api="none") leaves the API out.'
    )
    return [note]


def streaming_note(function: FunctionPlan, routes: Iterable[RoutePlan]) -> str:
    """Say for which routes the function has got a URL by itself; "" where it has not."""
    if function.url is None or not function.url.automatic:
        return ""
    streaming = [f"{'/'.join(one.methods)} {one.path}" for one in routes if one.streams]
    verb, them = ("streams", "it") if len(streaming) == 1 else ("stream", "them")
    return (
        f"{function.deployment}: {', '.join(streaming)} {verb}, and an HTTP API buffers {them}; "
        "the function gets a URL that streams."
    )

"""What stands in front of an ingress: its API, and the URL that it gets where routes stream."""

from dataclasses import replace
from typing import Any

from adapter.errors import PlanError
from adapter.http.cors import CORS_TWICE, answers_cors
from adapter.plan.http import streaming_note
from adapter.plan.sockets import opened_sockets
from adapter.plan.values import ApiPlan, ApplicationPlan, FunctionPlan, FunctionUrl, StackPlan
from adapter.serve import start_options
from adapter.serve.ingresses import ingress_of
from adapter.serve.lambda_options import LambdaOptions


def api_plan(name: str, options: LambdaOptions) -> ApiPlan | None:
    """Return the API that the options of an ingress ask for; None is none.

    Raises `PlanError` where it could not do what is asked of it.
    """
    if options.api == "none":
        return None
    if options.api is None:
        return ApiPlan(cors=options.cors)
    kind = options.api.removeprefix("public-")
    if kind == "http":
        return ApiPlan(public=options.api != kind, chosen=True, cors=options.cors)
    if not options.exec_wrapper:
        raise PlanError(
            f"{name}: api={options.api!r} with exec_wrapper=False: AWS's own Python runtime client "
            'cannot stream. Remove exec_wrapper=False, or take api="http".',
        )
    if options.cors is not None:
        raise PlanError(
            f"{name}: cors with api={options.api!r}: a REST API adds no headers to what a function "
            "answers. Let the application do it, with CORSMiddleware.",
        )
    return ApiPlan(kind="rest", public=options.api != kind, chosen=True)


def fronted(plan: ApplicationPlan, options: LambdaOptions) -> ApplicationPlan:
    """Give the ingress of an application the URL that its streaming routes need.

    That is where HTTP reaches it through an HTTP API alone. `options` are those of the ingress.
    """
    ingress = plan.function(plan.ingress)
    front = plan.front
    if front is not None and front.kind == "http" and any(route.streams for route in plan.routes):
        if options.url is None and ingress.exec_wrapper:
            url = FunctionUrl(streams=True, public=front.public, cors=front.cors, automatic=True)
            ingress = replace(ingress, url=url)
        note = streaming_note(ingress, plan.routes)
        ingress = replace(ingress, notes=(*ingress.notes, note)) if note else ingress
    ingress = replace(ingress, environment=_environment(ingress, front))
    others = (one for one in plan.functions if one.name != plan.ingress)
    return replace(plan, functions=(ingress, *others))


def _environment(ingress: FunctionPlan, front: ApiPlan | None) -> dict[str, str]:
    variables = dict(ingress.environment)
    streams = []
    if ingress.url is not None and ingress.url.streams:
        streams.append("url")
    if front is not None and front.kind == "rest":
        streams.append("rest")
    if streams:
        variables["ADAPTER_STREAMS"] = ",".join(streams)
    return dict(sorted(variables.items()))


def made_public(stack: StackPlan) -> StackPlan:
    """Open what the build calls public: the APIs, and the URLs, that the program left to it."""
    opened = (opened_sockets(_opened(plan)) for plan in stack.applications)
    return replace(stack, applications=tuple(opened))


def _opened(plan: ApplicationPlan) -> ApplicationPlan:
    if plan.front is None or plan.front.chosen:
        return plan
    return replace(
        plan,
        api=replace(plan.front, public=True),
        functions=tuple(
            replace(function, url=replace(function.url, public=True))
            if function.url is not None and function.url.automatic
            else function
            for function in plan.functions
        ),
    )


def has_own_cors(app: Any) -> bool:
    """Tell whether an ASGI application answers browsers of other origins itself.

    What a factory makes is known when the function calls it.
    """
    told = start_options.told()
    return answers_cors(app, told.middlewares if told is not None else ())


def ingress_has_cors(func_or_class: Any) -> bool:
    """Tell whether what a deployment serves over HTTP does; see `has_own_cors`."""
    ingress = ingress_of(func_or_class)
    return has_own_cors(None if ingress is None or ingress.is_factory else ingress.app)


def refuse_cors_twice(name: str, func_or_class: Any, options: LambdaOptions) -> None:
    """Raise `PlanError` where an application and its gateway would both write the headers."""
    if options.cors is not None and ingress_has_cors(func_or_class):
        raise PlanError(f"{name}: {CORS_TWICE}")

"""What `adapter run` prints first: what is served, where, and a line to try it with."""

import json
import shlex
from collections.abc import Callable, Iterable, Sequence

from adapter.local.function_url import PREFIX
from adapter.plan.values import ApplicationPlan, FunctionPlan, FunctionUrl, RoutePlan
from adapter.serve.event_sources import EventBridgeRule, EventSource, S3Bucket, Schedule, SQSQueue

Style = Callable[[str, str], str]


def banner(
    plans: Sequence[ApplicationPlan],
    http_url: str,
    lambda_url: str,
    style: Style,
) -> list[str]:
    """Return the lines; `style(text, "bold")` decorates text for the terminal."""
    targets = dict.fromkeys(plan.target for plan in plans)  # several of a file have but one
    lines = [f"  {style(target, 'bold')}   through Lambda's protocol" for target in targets]
    lines[-1] += ", on this machine"
    routes = [_indented(line) for plan in plans for line in _route_lines(plan)]
    functions = [_indented(line) for plan in plans for line in _function_lines(plan)]
    lines += ["", f"  HTTP    {style(http_url, 'cyan')}", *routes]
    lines += _url_lines(plans, http_url, style)
    lines += _event_lines(plans)
    invoke = 'boto3.client("lambda", endpoint_url=...)'
    lines += [f"  Lambda  {style(lambda_url, 'cyan')}   {invoke}", *functions]
    if (command := try_command(plans, http_url)) is not None:
        lines += ["", f"  Try     {command}"]
    notes = [note for plan in plans for note in plan.all_notes]
    lines += ["", *(f"  {style('note', 'yellow')}    {note}" for note in notes)] if notes else []
    return [*lines, ""]


def try_command(plans: Iterable[ApplicationPlan], http_url: str) -> str | None:
    """Return a command that the plans suggest, None where every route needs to be filled in.

    A route with an example of its body comes first, then a GET, then a POST with an empty object.
    """
    plans = list(plans)
    plain = [route for plan in plans for route in plan.routes if "{" not in route.path]
    ways = (_try_example, _try_get, _try_post)
    commands = [way(route, http_url) for way in ways for route in plain]
    commands += [_try_socket(path, http_url) for plan in plans for path in plan.socket_routes]
    commands += [f"curl -s {http_url}{plan.route_prefix}" for plan in plans if _is_everything(plan)]
    return next(filter(None, commands), None)


def _try_example(route: RoutePlan, http_url: str) -> str:
    return _post(route, http_url, route.example) if route.example else ""


def _try_get(route: RoutePlan, http_url: str) -> str:
    if "GET" not in route.methods or route.query is None:
        return ""
    return f"{_curl(route)} {shlex.quote(_url(route, http_url))}"


def _try_socket(path: str, http_url: str) -> str:
    if "{" in path:
        return ""
    address = f"{http_url.replace('http', 'ws', 1)}{path}"
    return f"python -m websockets {shlex.quote(address)}"


def _curl(route: RoutePlan) -> str:
    return "curl -sN" if route.streams else "curl -s"  # -N: show what comes as it comes


def _url(route: RoutePlan, http_url: str) -> str:
    return f"{http_url}{route.path}?{route.query}" if route.query else f"{http_url}{route.path}"


def _try_post(route: RoutePlan, http_url: str) -> str:
    return _post(route, http_url, "{}") if "POST" in route.methods else ""


def _post(route: RoutePlan, http_url: str, body: str) -> str:
    json_body = f"-H 'content-type: application/json' -d {shlex.quote(body)}"
    return f"{_curl(route)} -X {route.methods[0]} {shlex.quote(_url(route, http_url))} {json_body}"


def _is_everything(plan: ApplicationPlan) -> bool:
    return any(route.methods == ("ANY",) for route in plan.routes)


def _indented(line: str) -> str:
    return f"            {line}"


def function_urls(plans: Iterable[ApplicationPlan], http_url: str) -> dict[str, str]:
    """Return the local addresses of the functions that have a URL, by function name."""
    return {
        function.name: f"{http_url}{PREFIX}{function.name}"
        for plan in plans
        for function in plan.functions
        if function.url is not None
    }


def _url_lines(plans: Sequence[ApplicationPlan], http_url: str, style: Style) -> list[str]:
    found = function_urls(plans, http_url)
    width = max(map(len, found), default=0)
    kinds = {function.name: function.url for plan in plans for function in plan.functions}
    return [
        f"  URL     {style(address, 'cyan')}{'':{width - len(name)}}   {_kind(kinds[name])}"
        for name, address in found.items()
    ]


def _kind(url: FunctionUrl | None) -> str:
    how = "streaming" if url and url.streams else "buffered"
    return f"{how} function URL, {'public' if url and url.public else 'AWS_IAM on AWS, open here'}"


def _event_lines(plans: Iterable[ApplicationPlan]) -> list[str]:
    """Say what the functions are subscribed to: here nobody sends it by itself."""
    subscribed = [
        (_source(source), f"{function.name}.{source.method}")
        for plan in plans
        for function in plan.functions
        for source in function.events
    ]
    if not subscribed:
        return []
    name = subscribed[0][1].partition(".")[0]
    width = max(len(source) for source, _ in subscribed)
    return [
        f"  Events  adapter invoke {name} --local --event FILE   (nothing fires by itself here)",
        *(_indented(f"{source:<{width}}   {method}") for source, method in subscribed),
    ]


def _source(source: EventSource) -> str:
    if isinstance(source, Schedule):
        return source.schedule
    if isinstance(source, SQSQueue):
        return f"queue {source.queue}"
    if isinstance(source, S3Bucket):
        return f"bucket {source.bucket}"
    assert isinstance(source, EventBridgeRule)  # noqa: S101 - there are four
    return f"rule {json.dumps(source.pattern)}"


def _route_lines(plan: ApplicationPlan) -> list[str]:
    shown = [
        (", ".join(route.methods), route.path, _flow(plan, route.function)) for route in plan.routes
    ]
    shown += [("WS", path, _flow(plan, plan.ingress)) for path in plan.socket_routes]
    methods = max((len(method) for method, _, _ in shown), default=0)
    paths = max((len(path) for _, path, _ in shown), default=0)
    marks = ["  (streams)" if route.streams else "" for route in plan.routes]
    marks += [""] * len(plan.socket_routes)
    mark_width = max(map(len, marks), default=0)
    return [
        f"{method:<{methods}}  {path:<{paths}}{mark:<{mark_width}}   {flow}"
        for (method, path, flow), mark in zip(shown, marks, strict=True)
    ]


def _flow(plan: ApplicationPlan, function: str) -> str:
    try:
        calls = plan.function(function).calls
    except KeyError:
        calls = ()
    return f"{function} → {', '.join(calls)}" if calls else function


def _function_lines(plan: ApplicationPlan) -> list[str]:
    width = max((len(function.name) for function in plan.functions), default=0)
    return [
        f"{function.name:<{width}}   {_facts(function)}".rstrip() for function in plan.functions
    ]


def _facts(function: FunctionPlan) -> str:
    concurrency = function.concurrency
    facts = [", ".join(function.deployments)] if function.hosts else []
    if concurrency.provisioned:
        facts.append(f"{concurrency.provisioned} kept warm")
    if concurrency.maximum is not None:
        facts.append(f"at most {concurrency.maximum}")
    if function.calls:
        facts.append(f"calls {', '.join(function.calls)}")
    return ", ".join(facts)

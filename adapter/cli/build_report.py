"""What `adapter build` says when it is done."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapter.check.values import Finding
from adapter.cli.check_report import finding_json, finding_lines
from adapter.plan.values import (
    ApiPlan,
    ApplicationPlan,
    Concurrency,
    FunctionPlan,
    FunctionUrl,
    RoutePlan,
    SocketApiPlan,
    StackPlan,
)
from adapter.serve.event_sources import EventSource, S3Bucket, Schedule, SQSQueue
from adapter.template.project import Project

_API_NAMES = {"http": "HTTP API", "rest": "REST API"}


def as_json(
    plan: StackPlan,
    project: Project,
    changed: tuple[str, ...],
    found: Sequence[Finding] = (),
) -> str:
    """Report for programs; `changed` are the paths that were not as they should be."""
    report = {
        "target": plan.target,
        "applications": [_application_json(one) for one in plan.applications],
        "output": str(project.output),
        "functions": [_function_json(plan, function) for function in plan.functions],
        "changed": list(changed),
        "notes": list(project.notes),
        "findings": [finding_json(one) for one in found],
    }
    return json.dumps(report, indent=2)


def _application_json(plan: ApplicationPlan) -> dict[str, Any]:
    url = plan.function(plan.ingress).url
    return {
        "name": plan.name,
        "route_prefix": plan.route_prefix,
        "api": _api_json(plan.front) if plan.front else None,
        "url": _url_json(url) if url else None,
        "routes": [_route_json(plan, route) for route in plan.routes],
        "web_sockets": [_socket_json(plan.socket_api, path) for path in plan.socket_routes],
    }


def _socket_json(api: SocketApiPlan | None, path: str) -> dict[str, Any]:
    auth_type = None if api is None else _auth_type(public=api.public)
    return {"path": path, "auth_type": auth_type}


def _api_json(api: ApiPlan) -> dict[str, str]:
    return {
        "type": _API_NAMES[api.kind],
        "auth_type": _auth_type(public=api.public),
        "response_transfer_mode": "RESPONSE_STREAM" if api.kind == "rest" else "BUFFERED",
    }


def _route_json(plan: ApplicationPlan, route: RoutePlan) -> dict[str, Any]:
    url = plan.function(route.function).url
    through = [_API_NAMES[plan.front.kind]] if plan.front else []
    return {
        "methods": list(route.methods),
        "path": route.path,
        "function": route.function,
        "streams": route.streams,
        "through": [*through, "function URL"] if url else through,
    }


def _function_json(plan: StackPlan, function: FunctionPlan) -> dict[str, Any]:
    wanted = function.concurrency
    return {
        "application": function.application,
        "deployment": function.deployment,
        "hosts": list(function.hosts),
        "function": f"${{AWS::StackName}}-{function.name}",
        "folder": f"functions/{function.folder}",
        "memory_mb": function.memory_mb,
        "timeout_s": function.timeout_s,
        "route_prefix": _route_prefix(plan, function),
        "called_by": _callers(plan, function),
        "provisioned_concurrency": None if wanted.managed else wanted.provisioned,
        "reserved_concurrency": None if wanted.managed else wanted.maximum,
        "managed_instances": _managed_instances_json(function) if wanted.managed else None,
        "url": _url_json(function.url) if function.url else None,
    }


def _url_json(url: FunctionUrl) -> dict[str, str]:
    return {
        "auth_type": _auth_type(public=url.public),
        "invoke_mode": "RESPONSE_STREAM" if url.streams else "BUFFERED",
    }


def _managed_instances_json(function: FunctionPlan) -> dict[str, Any]:
    return {
        "capacity_provider": function.capacity_provider,
        "min_environments": function.concurrency.provisioned,
        "max_environments": function.concurrency.maximum,
        "max_concurrency": function.max_concurrency,
    }


def as_check(plan: StackPlan, project: Project, changed: tuple[str, ...]) -> str:
    """Report of `--check`."""
    folder = _shown(project.output)
    if not changed:
        return f"  {folder} is what `adapter build {plan.target}` writes."
    paths = "\n".join(f"    {path}" for path in changed)
    return f"  {folder} differs from what `adapter build {plan.target}` writes:\n{paths}"


def as_text(plan: StackPlan, project: Project, found: Sequence[Finding] = ()) -> str:
    """Report of what was written, and what to do next."""
    lines = [*_table([_row(plan, function) for function in plan.functions]), _wrote(project), ""]
    lines += finding_lines(found, color=False)
    lines += [f"note  {note}" for note in project.notes]
    change = "" if _shown(project.output) == "." else f"cd {_shown(project.output)} && "
    lines.append(f"Next  {change}sam build && {project.deploy_command}")
    return "\n".join(f"  {line}" if line else "" for line in lines)


def _row(plan: StackPlan, function: FunctionPlan) -> tuple[str, ...]:
    return (
        function.title,
        f"{function.memory_mb} MB",
        f"{function.timeout_s} s",
        _reached(plan, function),
        _scaling(function),
    )


def _reached(plan: StackPlan, function: FunctionPlan) -> str:
    callers = _callers(plan, function)
    ways = []
    front = plan.application(function.application).front if function.is_ingress else None
    if front is not None:
        what = f"{_API_NAMES[front.kind]} {_route_prefix(plan, function)}"
        ways.append(f"{what} {_who(public=front.public)}")
    sockets = plan.application(function.application).socket_api if function.is_ingress else None
    if sockets is not None:
        paths = ", ".join(route.path for route in sockets.routes)
        ways.append(f"WebSocket API {paths} {_who(public=sockets.public)}")
    if function.url is not None:
        ways.append(_url(function.url))
    ways += [_event_source(one) for one in function.events]
    if callers:
        ways.append(f"called by {', '.join(callers)}")
    return ", ".join(ways) or "called by name"


def _event_source(source: EventSource) -> str:
    match source:
        case Schedule():
            return f"schedule {source.schedule}"
        case SQSQueue():
            return f"queue {source.queue}"
        case S3Bucket():
            return f"bucket {source.bucket}"
    return "rule of EventBridge"


def _route_prefix(plan: StackPlan, function: FunctionPlan) -> str | None:
    """Return where HTTP reaches a function, None where it does not."""
    return plan.application(function.application).route_prefix if function.is_ingress else None


def _url(url: FunctionUrl) -> str:
    what = "streaming URL" if url.streams else "function URL"
    return f"{what} {_who(public=url.public)}"


def _who(*, public: bool) -> str:
    return "(public)" if public else "(AWS_IAM)"


def _auth_type(*, public: bool) -> str:
    return "NONE" if public else "AWS_IAM"


def _callers(plan: StackPlan, function: FunctionPlan) -> list[str]:
    return [other.title for other in plan.functions if function.name in other.calls]


def _scaling(function: FunctionPlan) -> str:
    wanted = function.concurrency
    if wanted.managed:
        return f"{_environments(wanted)}, {function.max_concurrency} at once in each"
    if not wanted.provisioned:
        return "scales from zero" if wanted.maximum is None else f"at most {wanted.maximum}"
    if wanted.scales:
        return f"{wanted.provisioned} kept warm, up to {wanted.maximum}"
    return f"{wanted.provisioned} kept warm"


def _environments(wanted: Concurrency) -> str:
    least, most = wanted.provisioned, wanted.maximum
    count = f"{most}" if least == most else f"{least} to {most}"
    return f"{count} environment{'s' * (count != '1')}"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return ["  ".join(cells).rstrip() for cells in aligned]


def _wrote(project: Project) -> str:
    functions = [name for name in project.folders if name.startswith("functions/")]
    layers, context = _layers(project), "images/application"
    parts = sorted(project.files, reverse=True)
    if functions:
        parts.append(f"functions/ ({len(functions)})")
    if layers:
        parts.append(f"layers/ ({len(layers)}: {', '.join(layers)})")
    if context in project.folders:
        parts.append(f"images/ ({_size(project, context)})")
    where = "" if _shown(project.output) == "." else f"to {_shown(project.output)}: "
    return f"Wrote {where}{', '.join(parts)}"


def _layers(project: Project) -> list[str]:
    if "layers/adapter" not in project.folders:  # where all functions are images
        return []
    count = len(project.requirements.all)
    return [
        f"adapter {_size(project, 'layers/adapter')}",
        f"dependencies {count} requirement{'s' * (count != 1)}",
        f"application {_size(project, 'layers/application')}",
        *(["shutdown-extension"] if "layers/shutdown-extension" in project.folders else []),
    ]


def _size(project: Project, folder: str) -> str:
    size = sum(entry.size for entry in project.folders[folder].values())
    for unit in ("bytes", "kB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size //= 1000
    return f"{size} MB"


def _shown(folder: Path) -> str:
    """Write a folder as the user would: relative to the current one where it is below."""
    real = folder.resolve()
    return str(real.relative_to(Path.cwd())) if real.is_relative_to(Path.cwd()) else str(real)

"""What `adapter build` says when it is done."""

import json
from pathlib import Path
from typing import Any

from adapter.plan.values import ApplicationPlan, Concurrency, FunctionPlan, FunctionUrl
from adapter.template.project import Project


def as_json(plan: ApplicationPlan, project: Project, changed: tuple[str, ...]) -> str:
    """Report for programs; `changed` are the paths that were not as they should be."""
    report = {
        "target": plan.target,
        "application": plan.name,
        "output": str(project.output),
        "functions": [_function_json(plan, function) for function in plan.functions],
        "changed": list(changed),
        "notes": list(project.notes),
    }
    return json.dumps(report, indent=2)


def _function_json(plan: ApplicationPlan, function: FunctionPlan) -> dict[str, Any]:
    wanted = function.concurrency
    return {
        "deployment": function.deployment,
        "function": f"${{AWS::StackName}}-{function.name}",
        "folder": f"functions/{function.folder}",
        "memory_mb": function.memory_mb,
        "timeout_s": function.timeout_s,
        "route_prefix": plan.route_prefix if function.is_ingress else None,
        "called_by": _callers(plan, function),
        "provisioned_concurrency": None if wanted.managed else wanted.provisioned,
        "reserved_concurrency": None if wanted.managed else wanted.maximum,
        "managed_instances": _managed_instances_json(function) if wanted.managed else None,
        "url": _url_json(function.url) if function.url else None,
    }


def _url_json(url: FunctionUrl) -> dict[str, str]:
    return {
        "auth_type": "NONE" if url.public else "AWS_IAM",
        "invoke_mode": "RESPONSE_STREAM" if url.streams else "BUFFERED",
    }


def _managed_instances_json(function: FunctionPlan) -> dict[str, Any]:
    return {
        "capacity_provider": function.capacity_provider,
        "min_environments": function.concurrency.provisioned,
        "max_environments": function.concurrency.maximum,
        "max_concurrency": function.max_concurrency,
    }


def as_check(plan: ApplicationPlan, project: Project, changed: tuple[str, ...]) -> str:
    """Report of `--check`."""
    folder = _shown(project.output)
    if not changed:
        return f"  {folder} is what `adapter build {plan.target}` writes."
    paths = "\n".join(f"    {path}" for path in changed)
    return f"  {folder} differs from what `adapter build {plan.target}` writes:\n{paths}"


def as_text(plan: ApplicationPlan, project: Project) -> str:
    """Report of what was written, and what to do next."""
    lines = [*_table([_row(plan, function) for function in plan.functions]), _wrote(project), ""]
    lines += [f"note  {note}" for note in project.notes]
    change = "" if _shown(project.output) == "." else f"cd {_shown(project.output)} && "
    lines.append(f"Next  {change}sam build && {project.deploy_command}")
    return "\n".join(f"  {line}" if line else "" for line in lines)


def _row(plan: ApplicationPlan, function: FunctionPlan) -> tuple[str, ...]:
    return (
        function.deployment,
        f"{function.memory_mb} MB",
        f"{function.timeout_s} s",
        _reached(plan, function),
        _scaling(function),
    )


def _reached(plan: ApplicationPlan, function: FunctionPlan) -> str:
    callers = _callers(plan, function)
    ways = []
    if function.is_ingress and plan.route_prefix is not None:
        ways.append(f"HTTP API {plan.route_prefix} (public)")
    if function.url is not None:
        ways.append(_url(function.url))
    if callers:
        ways.append(f"called by {', '.join(callers)}")
    return ", ".join(ways) or "called by name"


def _url(url: FunctionUrl) -> str:
    what = "streaming URL" if url.streams else "function URL"
    return f"public {what}" if url.public else f"{what} (AWS_IAM)"


def _callers(plan: ApplicationPlan, function: FunctionPlan) -> list[str]:
    return [other.deployment for other in plan.functions if function.name in other.calls]


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
    sizes = {name: _size(project, name) for name in ("adapter", "application")}
    count = len(project.requirements.all)
    layers = [
        f"adapter {sizes['adapter']}",
        f"dependencies {count} requirement{'s' * (count != 1)}",
        f"application {sizes['application']}",
        *(["shutdown-extension"] if "layers/shutdown-extension" in project.folders else []),
    ]
    parts = [
        *sorted(project.files, reverse=True),
        f"functions/ ({len(functions)})",
        f"layers/ ({len(layers)}: {', '.join(layers)})",
    ]
    where = "" if _shown(project.output) == "." else f"to {_shown(project.output)}: "
    return f"Wrote {where}{', '.join(parts)}"


def _size(project: Project, layer: str) -> str:
    size = sum(entry.size for entry in project.folders[f"layers/{layer}"].values())
    for unit in ("bytes", "kB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size //= 1000
    return f"{size} MB"


def _shown(folder: Path) -> str:
    """Write a folder as the user would: relative to the current one where it is below."""
    real = folder.resolve()
    return str(real.relative_to(Path.cwd())) if real.is_relative_to(Path.cwd()) else str(real)

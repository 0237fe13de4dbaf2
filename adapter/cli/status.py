"""`adapter status`: a deployed stack and its functions."""

import contextlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from adapter.cli.stack_options import find, output_option, stack_options, table

if TYPE_CHECKING:
    from adapter.stack.deployed import DeployedFunction, StackDescription
    from adapter.stack.events import StackEvent


@click.command()
@click.argument("target", required=False)
@stack_options
@output_option
def status(target: str | None, *, output: str, **options: Any) -> int:
    """Show a deployed stack: its status, and of each function its state, concurrency and URL.

    Where the last deployment failed, the resource that made it fail is shown with the reason.
    TARGET is needed only where neither --stack nor samconfig.toml names the stack.
    """
    from adapter.stack.deployed import DeployedStack  # noqa: PLC0415 - keeps `adapter --help` fast
    from adapter.stack.events import failure  # noqa: PLC0415 - see above

    place = find(options, target=target)
    stack = DeployedStack(place.name, place.access)
    described = stack.describe()
    functions = stack.functions()
    failed = None
    if any(word in described.status for word in ("FAILED", "ROLLBACK")):
        failed = failure(place.access.client("cloudformation"), described.stack_id)
    report = _as_json if output == "json" else _as_text
    click.echo(report(described, functions, failed))
    return 0


def _as_text(
    described: "StackDescription",
    functions: "tuple[DeployedFunction, ...]",
    failed: "StackEvent | None",
) -> str:
    changed = f"{described.updated:%Y-%m-%d %H:%M:%S %Z}"
    lines = [f"  {described.name}  {described.status}  {changed}"]
    if described.reason:
        lines.append(f"  {described.reason}")
    if failed is not None:
        lines.append(f"  failed: {failed.logical_id} ({failed.type}): {failed.reason}")
    if functions:
        lines += ["", *table([_row(one) for one in functions])]
    return "\n".join(lines)


def _row(function: "DeployedFunction") -> tuple[str, ...]:
    state = function.state or "-"
    if function.update not in ("", "Successful"):
        state = f"{state}, update {function.update}"
    if function.failed and function.reason:
        state = f"{state}: {function.reason}"
    return (
        function.deployment,
        state,
        f"modified {function.modified[:19].replace('T', ' ')}",
        _version(function),
        _concurrency(function),
        function.url or "",
    )


def _version(function: "DeployedFunction") -> str:
    names = [f"{alias.name} → {alias.version}" for alias in function.aliases]
    return ", ".join(names) or function.version


def _concurrency(function: "DeployedFunction") -> str:
    told = [
        f"{alias.available} of {alias.provisioned} warm"
        for alias in function.aliases
        if alias.provisioned
    ]
    if function.reserved is not None:
        told.append(f"at most {function.reserved}")
    return ", ".join(told) or "scales from zero"


def _as_json(
    described: "StackDescription",
    functions: "tuple[DeployedFunction, ...]",
    failed: "StackEvent | None",
) -> str:
    report = {
        "stack": described.name,
        "status": described.status,
        "reason": described.reason,
        "updated": described.updated.isoformat(),
        "failed": None,
        "functions": [asdict(function) for function in functions],
        "outputs": {one.name: one.value for one in described.outputs},
    }
    with contextlib.suppress(AttributeError):
        report["failed"] = asdict(failed) | {"time": failed.time.isoformat()} if failed else None
    return json.dumps(report, indent=2, ensure_ascii=False)

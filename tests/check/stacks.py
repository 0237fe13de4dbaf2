"""Stacks with one mistake each, and the like without it."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from adapter.check.findings import findings
from adapter.check.stack import Stack
from adapter.plan.values import FunctionPlan, StackPlan
from tests.template.plans import application, gateway

TODAY = date(2026, 11, 20)
Template = Mapping[str, Any]


def stack(
    *functions: FunctionPlan,
    resources: Template | None = None,
    defaults: Template | None = None,
    plan: StackPlan | None = None,
    **options: Any,
) -> Stack:
    """Make a stack, with a template by hand; without functions the plan is a lone Gateway."""
    return Stack(
        plan=plan or application(*(functions or (gateway(),))),
        template=options.pop("template", None)
        or {
            "Globals": {"Function": dict(defaults or {})},
            "Resources": dict(resources or {}),
        },
        today=options.pop("today", TODAY),
        build=options.pop("build", Path("no-such-folder")),
        **options,
    )


def function(**properties: Any) -> dict[str, Any]:
    """Write a function as SAM has it."""
    return {"Type": "AWS::Serverless::Function", "Properties": properties}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def policies(**statement: Any) -> dict[str, Any]:
    """Write a function that is allowed something."""
    allowed = {"Effect": "Allow", **statement}
    return function(Policies=[{"Version": "2012-10-17", "Statement": [allowed]}])


def codes(checked: Stack) -> set[str]:
    return {finding.code for finding in findings(checked)}


def reasons(checked: Stack, code: str) -> list[str]:
    """List what a rule says, `where: reason` each."""
    return [f"{one.where}: {one.reason}" for one in findings(checked) if one.code == code]

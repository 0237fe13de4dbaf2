"""What a function is called: in Lambda, as a folder and as a resource of the template."""

import re
from collections.abc import Iterable

from adapter.errors import PlanError
from adapter.plan.values import FunctionPlan

# https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
MAX_NAME = 64
_NAME = re.compile(r"[A-Za-z0-9_-]+")


def check_name(deployment: str, name: str) -> str:
    """Return `name` where a Lambda function can be called so; raises `PlanError` otherwise."""
    if not _NAME.fullmatch(name):
        raise PlanError(
            f"deployment {deployment!r}: a Lambda function's name holds only letters, digits, "
            f"hyphens and underscores. Give it another name: .options(name={_suggestion(name)!r}).",
        )
    if len(name) > MAX_NAME:
        raise PlanError(
            f"deployment {deployment!r}: the function name {name!r} has {len(name)} characters, "
            f"Lambda allows {MAX_NAME}. Give it a shorter one with .options(name=...).",
        )
    return name


def _suggestion(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "Model"


def folder(name: str) -> str:
    """Return the folder of a function: `TextGateway` is in `functions/text_gateway`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return words.replace("-", "_").lower()


def logical_id(name: str) -> str:
    """Return the CloudFormation id, letters and digits only: `text-gateway` is `TextGateway`."""
    parts = re.split(r"[-_]+", name)
    joined = "".join(part[:1].upper() + part[1:] for part in parts)
    return joined if joined[:1].isalpha() else f"Function{joined}"


def refuse_collisions(plans: Iterable[FunctionPlan]) -> None:
    """Raise `PlanError` where two functions would share a folder or a CloudFormation id."""
    seen: dict[str, FunctionPlan] = {}
    for plan in plans:
        for key in (f"folder functions/{plan.folder}", f"template resource {plan.logical_id}"):
            other = seen.setdefault(key, plan)
            if other is not plan:
                raise PlanError(
                    f"deployments {_named(other, plan)} and {_named(plan, other)} would both "
                    f"become the {key}. Rename one with .options(name=...)"
                    f"{_or_share(other, plan)}.",
                )


def _or_share(plan: FunctionPlan, other: FunctionPlan) -> str:
    """Where the one is called as the function of others is, it may be meant to be among them."""
    if plan.name != other.name or not (plan.hosts or other.hosts):
        return ""
    return f', or let both have LambdaOptions(function="{plan.name}")'


def _named(plan: FunctionPlan, other: FunctionPlan) -> str:
    of = f" of application {plan.application!r}" if plan.application != other.application else ""
    return f"{plan.deployment!r}{of}"

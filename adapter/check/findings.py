"""The rules applied to a stack, less what the user has silenced."""

from collections.abc import Collection, Iterable, Iterator

from adapter.check.rules import CODES, RULES
from adapter.check.stack import Stack, items, mapping
from adapter.check.values import Finding
from adapter.errors import InvalidOption, did_you_mean


def findings(stack: Stack, ignore: Collection[str] = ()) -> tuple[Finding, ...]:
    """Check a stack: errors first, by code, then in the order of the template.

    Silenced are the codes in `ignore`, those of a deployment's `ignore_checks`, and those that a
    resource of the user's own names below `Metadata: {adapter: {ignore_checks: [...]}}`. Raises
    `InvalidOption` where one of them is no code.
    """
    refuse_unknown(ignore, "ignore in [tool.adapter]")
    silenced = dict(_silenced(stack))
    found = (
        Finding(
            code=rule.code,
            where=fault.where,
            reason=fault.reason,
            remedy=fault.remedy,
            resource=fault.resource,
        )
        for rule in RULES
        if rule.code not in ignore
        for fault in rule.look(stack)
    )
    kept = (one for one in found if one.code not in silenced.get(one.where, ()))
    return tuple(one for one in kept if one.code not in silenced.get(one.resource, ()))


def refuse_unknown(codes: Iterable[str], where: str) -> None:
    """Raise `InvalidOption` for what is the code of no rule."""
    for code in codes:
        if code not in CODES:
            raise InvalidOption(
                f"{where}: there is no check {code!r}.{did_you_mean(code, CODES)} "
                "docs/checks.md lists them.",
            )


def _silenced(stack: Stack) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the codes that deployments and resources silence, by name and by logical id."""
    for function in stack.plan.functions:
        refuse_unknown(function.ignore_checks, f"{function.deployment}: ignore_checks")
        if function.ignore_checks:
            yield stack.name(function), function.ignore_checks
    for logical_id, resource in mapping(stack.template.get("Resources")).items():
        metadata = mapping(mapping(mapping(resource).get("Metadata")).get("adapter"))
        codes = tuple(str(code) for code in items(metadata.get("ignore_checks")))
        refuse_unknown(codes, f"{logical_id}: Metadata")
        if codes:
            yield logical_id, codes

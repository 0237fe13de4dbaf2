"""Logs that nobody deletes."""

from collections.abc import Iterator

from adapter.check.stack import Stack, mapping, text
from adapter.check.values import Fault

_REMEDY = "Set log_retention_days in LambdaOptions, or RetentionInDays on a log group of your own."


def kept_for_ever(stack: Stack) -> Iterator[Fault]:
    """A log group without a retention keeps everything; Lambda makes such a group by itself."""
    kept = {one.logical_id: one for one in stack.of("AWS::Logs::LogGroup")}
    for group in kept.values():
        if not group.properties.get("RetentionInDays"):
            reason = "the log group has no retention: logs are kept, and paid for, for ever."
            yield Fault(group.where, reason, _REMEDY, group.logical_id)
    names = {text(group.properties.get("LogGroupName")) for group in kept.values()}
    for function in stack.functions:
        chosen = mapping(function.properties.get("LoggingConfig")).get("LogGroup")
        default = f"/aws/lambda/{text(function.properties.get('FunctionName'))}"
        if chosen is None and default not in names:
            reason = (
                "has no log group in the template, so Lambda makes one whose logs are kept, and "
                "paid for, for ever."
            )
            yield Fault(function.where, reason, _REMEDY, function.logical_id)

"""When an environment is initialised: while an invocation waits for it, or before there is one."""

from collections.abc import Mapping


def delays_an_invocation(environ: Mapping[str, str]) -> bool:
    """Whether somebody waits for this init: what few functions use is better done later then.

    With provisioned concurrency and SnapStart nobody does, and who uses it first would wait.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    return environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand") == "on-demand"

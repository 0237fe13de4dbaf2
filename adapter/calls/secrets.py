"""Secrets of a deployment, read once when its function starts, as variables of the process.

`ADAPTER_SECRETS` holds references by the names of variables. No error and no line of the log ever
holds a value.
"""

import asyncio
import importlib
import json
import ssl
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

from adapter.calls.secret_stores import LIMIT_S, Secret, Unanswered, ask
from adapter.errors import SecretsNotRead
from adapter.http1 import ProtocolError
from adapter.loop_thread import loop_is_running
from adapter.serve.secrets import Reference, parse

VARIABLE = "ADAPTER_SECRETS"


def set_variables(environ: MutableMapping[str, str]) -> None:
    """Read the secrets of `ADAPTER_SECRETS` and set their variables, except those that are set.

    Where Lambda takes a snapshot of the environment, they are read once more when it is restored.
    Raises `SecretsNotRead`.
    """
    told: dict[str, str] = json.loads(environ.get(VARIABLE) or "{}")
    references = {name: text for name, text in told.items() if name not in environ}
    if references:
        environ.update(read(references, environ))
        if environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            _read_after_restore(references, environ)


def _read_after_restore(references: Mapping[str, str], environ: MutableMapping[str, str]) -> None:
    # A part of Lambda's runtimes; our loop and AWS's run what is registered.
    hooks: Any = importlib.import_module("snapshot_restore_py")
    hooks.register_after_restore(lambda: environ.update(read(references, environ)))


def read(references: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the values of references, by the names of variables; all are asked for at once.

    Raises `SecretsNotRead`, which names every variable whose value is not there, and why.
    """
    if not loop_is_running():
        return _run(references, environ)
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - rarely needed

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(_run, references, environ).result()


def _run(references: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(_read(references, environ))
    finally:
        loop.close()


async def _read(references: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    # Without CloudFormation nobody knows what `${...}` stands for.
    parsed = {name: None if "${" in text else parse(text) for name, text in references.items()}
    secrets = dict.fromkeys(Secret.of(one) for one in parsed.values() if one is not None)
    answers = await _answers(secrets, environ)
    values, problems = {}, []
    for name, reference in parsed.items():
        try:
            values[name] = _value(reference, answers)
        except Unanswered as problem:
            problems.append(f"{name} ({references[name]}): {problem}")
    if problems:
        raise SecretsNotRead(_message(problems, environ))
    return values


async def _answers(
    secrets: Iterable[Secret],
    environ: Mapping[str, str],
) -> dict[Secret, "str | Unanswered"]:
    tls = ssl.create_default_context()
    asking = {secret: asyncio.ensure_future(_answer(secret, environ, tls)) for secret in secrets}
    return {secret: await answer for secret, answer in asking.items()}


async def _answer(
    secret: Secret,
    environ: Mapping[str, str],
    tls: ssl.SSLContext,
) -> "str | Unanswered":
    try:
        async with asyncio.timeout(LIMIT_S):
            return await ask(secret, environ, tls)
    except Unanswered as problem:
        return problem
    except TimeoutError:
        return Unanswered(
            f"no answer within {LIMIT_S:g} s. In a VPC a function needs a NAT gateway, or an "
            f"endpoint of {secret.service}.",
        )
    except (OSError, ProtocolError) as error:
        return Unanswered(f"{secret.service} was not reached: {error}.")


def _value(
    reference: Reference | None,
    answers: Mapping[Secret, "str | Unanswered"],
) -> str:
    if reference is None:
        raise Unanswered("only CloudFormation can tell what it stands for.")
    answer = answers[Secret.of(reference)]
    if isinstance(answer, Unanswered):
        raise answer
    value = _member(answer, reference.key) if reference.key else answer
    if "\0" in value:
        raise Unanswered("its value has a NUL character, which no variable can hold.")
    return value


def _member(text: str, key: str) -> str:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unanswered("its value is no JSON object, so it has no members.")
    if key not in found:
        raise Unanswered(f"its JSON object has no member {key!r}.")
    value = found[key]
    return value if isinstance(value, str) else json.dumps(value)


def _message(problems: list[str], environ: Mapping[str, str]) -> str:
    text = "cannot read " + "; ".join(problems)
    if "AWS_ENDPOINT_URL_LAMBDA" in environ or "LAMBDA_TASK_ROOT" not in environ:  # not on AWS
        text += (
            " On this machine, either set the variables in your shell, which wins over the "
            "references, or give credentials that may read them (`aws configure`)."
        )
    return text

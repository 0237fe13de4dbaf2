"""Values in a function's environment that look like secrets. Never do findings show a value."""

import math
import re
from collections import Counter
from collections.abc import Iterator

from adapter.check.environment import variables
from adapter.check.stack import Resource, Stack, text
from adapter.check.values import Fault

_REMEDY = (
    'Store it in Secrets Manager or Parameter Store and write secrets={{"{name}": ...}} in '
    "LambdaOptions; whoever may read the function's configuration reads its environment."
)
# What the issuers of credentials say of their forms.
_FORMS = {
    "an AWS access key": r"(?:AKIA|ASIA)[A-Z0-9]{16}",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a GitHub token": r"gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}",
    "a GitLab token": r"glpat-[A-Za-z0-9_-]{20}",
    "a Slack token": r"xox[abeprs]-[A-Za-z0-9-]{10,}",
    "a Stripe key": r"[sr]k_live_[A-Za-z0-9]{16,}",
    "an API key": r"\bsk-[A-Za-z0-9_-]{20,}|AIza[A-Za-z0-9_-]{35}|hf_[A-Za-z0-9]{30,}",
    "a JSON web token": r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*",
    "a password in a URL": r"[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s:@$]+@",
}
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PWD|PASSPHRASE|SECRET|SECRETS|TOKEN|CREDENTIALS?|APIKEY|"
    r"(?:API|ACCESS|PRIVATE|SECRET|SIGNING|ENCRYPTION)_?KEY)(?:_|$)",
)
# DB_PASSWORD_ARN says where the password is.
_PLACE = re.compile(r"_(?:ARN|NAME|ID|URL|URI|PATH|FILE|HEADER|PARAMETER|TTL|ALGORITHM|TYPE)$")
_RESOLVED = re.compile(r"\{\{resolve:(?:secretsmanager|ssm-secure):")
_RANDOM = re.compile(r"[A-Za-z0-9+/_=.-]+")
_RANDOM_LENGTH = 20
_BITS_PER_CHARACTER = 3.3  # 32 random hexadecimal digits have more, what repeats itself has less
_HASH = re.compile(r"CHECKSUM|COMMIT|DIGEST|HASH|REVISION|SHA|VERSION")
_OURS = ("ADAPTER_", "AWS_")


def known_form(stack: Stack) -> Iterator[Fault]:
    """A value in the form of a credential is one."""
    for function, name, value in _values(stack):
        found = next((what for what, form in _FORMS.items() if re.search(form, value)), None)
        if found:
            yield _fault(function, name, f"holds {found}.")


def suspicious(stack: Stack) -> Iterator[Fault]:
    """A name that promises a secret, a random value, a secret that CloudFormation writes out."""
    for function, name, value in _values(stack):
        if any(re.search(form, value) for form in _FORMS.values()):
            continue
        if _RESOLVED.search(value):
            yield _fault(function, name, "is resolved when it is deployed, and then stands there.")
        elif _named_secret(name) and not _harmless(value):
            yield _fault(function, name, "is called like a secret and holds a value.")
        elif _RANDOM.fullmatch(value) and _is_random(name, value):
            yield _fault(function, name, "holds a random value, as a key or a token is.")


def _values(stack: Stack) -> Iterator[tuple[Resource, str, str]]:
    for function in stack.functions:
        for name, value in variables(function).items():
            if not name.startswith(_OURS):
                yield function, name, text(value) or ""


def _fault(function: Resource, name: str, what: str) -> Fault:
    return Fault(
        function.where,
        f"the environment variable {name} {what}",
        _REMEDY.format(name=name),
        function.logical_id,
    )


def _named_secret(name: str) -> bool:
    upper = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()
    return bool(_SECRET_NAME.search(upper)) and not _PLACE.search(upper)


def _harmless(value: str) -> bool:
    """Whether a value can be no secret: a switch, a number, an ARN, what is filled in later."""
    if len(value) < 4 or value.isdecimal() or value.lower() in {"true", "false", "none", "null"}:
        return True
    return value.startswith(("arn:", "${", "{{resolve:ssm:", "/"))


def _is_random(name: str, value: str) -> bool:
    """Whether the longest word of a value is a long mixture of letters and digits.

    A hash is, too, so what is called like one is left alone.
    """
    word = max(re.split(r"[/_=.-]", value), key=len)
    mixed = any(one.isdigit() for one in word) and any(one.isalpha() for one in word)
    if len(word) < _RANDOM_LENGTH or not mixed or _HASH.search(name.upper()):
        return False
    return _entropy(word) >= _BITS_PER_CHARACTER


def _entropy(value: str) -> float:
    """Return Shannon's entropy in bits a character."""
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares)

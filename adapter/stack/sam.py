"""AWS SAM CLI as a child process: what it prints is shown as it comes."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from adapter.errors import StackError

_GRACE_S = 10.0  # to end after each signal
_NOTICE_S = 0.2  # until a signal of ours is noticed
_INSTALL = (
    "https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/"
    "install-sam-cli.html"
)
_NAMED = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}


class SamInterrupted(KeyboardInterrupt):
    """A signal ended SAM CLI, and nothing of it is left; `number` is the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def find_sam() -> str:
    """Return the path of the command. Raises `StackError` that says how to install it."""
    found = shutil.which("sam")
    if found is None:
        raise StackError(
            "`sam` is not on PATH; AWS SAM CLI builds and deploys. Install it: `brew install "
            f"aws-sam-cli`, `pipx install aws-sam-cli`, or see\n{_INSTALL}",
        )
    return found


def deploy_arguments(
    template: Mapping[str, Any],
    parameters: Mapping[str, Any],
    *,
    stack: str,
    region: str | None,
    profile: str | None,
) -> list[str]:
    """Return what `sam deploy` is given beside samconfig.toml, whose `parameters` these are."""
    flags = ["--stack-name", stack]
    flags += ["--region", region] if region else []
    flags += ["--profile", profile] if profile else []
    flags += ["--capabilities", *capabilities(template)]
    if "s3_bucket" not in parameters:  # sam refuses both
        flags.append("--resolve-s3")
    if _has_images(template) and not {"image_repository", "image_repositories"} & set(parameters):
        flags.append("--resolve-image-repos")
    return [*flags, "--no-confirm-changeset", "--no-fail-on-empty-changeset"]


def capabilities(template: Mapping[str, Any]) -> list[str]:
    """Return what CloudFormation wants to be told that it may do, and no more.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
    """
    resources = list((template.get("Resources") or {}).values())
    found = ["CAPABILITY_IAM"]
    if any(_NAMED.get(one.get("Type")) in (one.get("Properties") or {}) for one in resources):
        found = ["CAPABILITY_NAMED_IAM"]  # it includes the other
    nested = ("AWS::Serverless::Application", "AWS::CloudFormation::Stack")
    if any(one.get("Type") in nested for one in resources):
        found.append("CAPABILITY_AUTO_EXPAND")
    return found


def _has_images(template: Mapping[str, Any]) -> bool:
    resources = [template.get("Globals", {}).get("Function", {})]
    resources += [one.get("Properties") or {} for one in (template.get("Resources") or {}).values()]
    return any(one.get("PackageType") == "Image" for one in resources)


def run_sam(arguments: Sequence[str], folder: Path, *, asks: bool = False) -> int:
    """Run SAM CLI in `folder` to its end and return its exit code, 128 + N where signal N ended it.

    It is a process group of its own, which our SIGINT and SIGTERM go on to, so that nothing of it
    is left; then `SamInterrupted` is raised. Only with `asks` it may read from the terminal, and is
    in our group, where the terminal's Ctrl-C reaches it.
    """
    with _signals() as received:
        process = subprocess.Popen(
            [find_sam(), *arguments],
            cwd=folder,
            stdin=None if asks else subprocess.DEVNULL,
            process_group=None if asks else 0,
        )
        while (code := process.poll()) is None and not received:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_NOTICE_S)
        if received:
            _end(process, received[0], alone=not asks)
            raise SamInterrupted(received[0])
    return code if code is not None and code >= 0 else 128 - (code or 0)


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    before: dict[int, Any] = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, note)
        yield received
    finally:
        for changed, handler in before.items():
            signal.signal(changed, handler)


def _end(process: "subprocess.Popen[bytes]", first: int, *, alone: bool) -> None:
    """Pass the signal on, and insist where it is not followed."""
    if not alone:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)  # the terminal has told it, too
    for step in (first, signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            _send(process, step, alone=alone)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_S)
    if alone:  # what it started may be there still
        _send(process, signal.SIGKILL, alone=alone)


def _send(process: "subprocess.Popen[bytes]", number: int, *, alone: bool) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if alone:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)

"""A command `sam` that records its arguments, and does as SAM_STUB says.

fail          `sam deploy` ends with exit code 3, `fail-build` makes `sam build` do so
hang          it starts a process of its own, tells both and waits
stubborn      the same, and it ignores what asks it to end
large         `sam build` leaves a function that is too large for Lambda
modules       `sam build` leaves a layer with a module, `sam deploy` tells what is in its folder
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def install(folder: Path) -> Path:
    """Put the command into a new folder, which goes in front of PATH, and return that."""
    folder.mkdir()
    command = folder / "sam"
    command.write_text(f"#!{sys.executable}\n{Path(__file__).read_text(encoding='utf-8')}")
    command.chmod(0o755)
    return folder


def calls(folder: Path) -> list[list[str]]:
    """Return the arguments of every call, where it was installed."""
    record = folder / "calls"
    return [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []


def main() -> int:
    with (Path(sys.argv[0]).parent / "calls").open("a") as record:
        record.write(json.dumps(sys.argv[1:]) + "\n")
    _say("sam", *sys.argv[1:])
    mode, command = os.environ.get("SAM_STUB", ""), sys.argv[1]
    if mode in ("hang", "stubborn") and command == "deploy":
        return _hang(ignoring=mode == "stubborn")
    if mode == "large" and command == "build":
        _large()
    if mode == "modules":
        _modules(command)
    failing = {"fail": "deploy", "fail-build": "build"}.get(mode)
    return 3 if command == failing else 0


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def _hang(*, ignoring: bool) -> int:
    if ignoring:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "600"])
    _say("hanging", os.getpid(), child.pid)
    try:
        while True:
            time.sleep(600)
    except KeyboardInterrupt:
        _say("sam cleans up")
        return 1


def _modules(command: str) -> None:
    folder = Path(".aws-sam/build/ApplicationLayer")
    if command == "deploy":
        names = sorted(path.name for path in folder.iterdir())
        _say("sam deploys", ", ".join(reversed(names)))
        return
    folder.mkdir(parents=True)
    (folder / "shop.py").write_text("")
    runtimes = [f"python3.{sys.version_info.minor}", "python3.99"]
    layer = {
        "Type": "AWS::Serverless::LayerVersion",
        "Properties": {"CompatibleRuntimes": runtimes},
    }
    template = json.dumps({"Resources": {"ApplicationLayer": layer}})
    (folder.parent / "template.yaml").write_text(template)


def _large() -> None:
    folder = Path(".aws-sam/build/Gateway/torch")
    folder.mkdir(parents=True)
    with (folder / "libtorch.so").open("wb") as file:
        file.truncate(300 * 1024 * 1024)


if __name__ == "__main__":
    sys.exit(main())

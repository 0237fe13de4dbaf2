"""How much longer ten deployments take to build than one: `adapter build`, then `sam build`.

Dependencies are in a shared layer and are installed once, so ten should take less than 1.5 times
as long. Both projects have the same dependencies and are built from nothing, one after the other,
in turns; medians are compared. `--quick` takes one turn. Exits with 1 where the aim is missed.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

AIM = 1.5
ROOT = Path(__file__).resolve().parents[1]
COUNTS = (1, 10)
PHASES = ("adapter build", "sam build", "both")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one turn")
    arguments = parser.parse_args()
    sam = shutil.which("sam", path=search_path())
    if sam is None:
        print("AWS SAM CLI is not installed; `make setup-sam` installs it")
        return 1
    seconds = measure(sam, turns=1 if arguments.quick else arguments.turns)
    return 0 if report(seconds) < AIM else 1


def measure(sam: str, turns: int) -> dict[tuple[int, str], list[float]]:
    seconds: dict[tuple[int, str], list[float]] = {
        (count, phase): [] for count in COUNTS for phase in PHASES
    }
    build_once(COUNTS[0], sam)  # fills pip's cache of downloads, for both alike
    for turn in range(turns):
        for count in COUNTS if turn % 2 else reversed(COUNTS):
            times = build_once(count, sam)
            for phase, taken in zip(PHASES, (*times, sum(times)), strict=True):
                seconds[count, phase].append(taken)
    return seconds


def build_once(count: int, sam: str) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "models.py").write_text(program(count), encoding="utf-8")
        target = ("build", "models:app", "--runtime", f"python3.{sys.version_info.minor}")
        return (
            run([sys.executable, "-m", "adapter.cli.main", *target], folder),
            run([sam, "build", "--no-cached"], folder),
        )


def program(count: int) -> str:
    lines = ["from adapter import serve", ""]
    for number in range(count):
        lines += [
            "@serve.deployment",
            f"class Model{number}:",
            "    def __init__(self, *others):",
            "        self.others = others",
            "    def __call__(self, text):",
            "        return text",
            "",
        ]
    others = ", ".join(f"Model{number}.bind()" for number in range(1, count))
    return "\n".join([*lines, f"app = Model0.bind({others})", ""])


def run(command: list[str], folder: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment(), capture_output=True, check=True)
    return time.perf_counter() - start


def environment() -> dict[str, str]:
    # With credentials SAM CLI would ask AWS whose they are before it does anything.
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")
    return {
        **{name: value for name, value in os.environ.items() if name not in keys},
        "AWS_DEFAULT_REGION": "eu-central-1",
        "PATH": search_path(),
        "PYTHONPATH": str(ROOT),
        "SAM_CLI_TELEMETRY": "0",
    }


def search_path() -> str:
    # `sam build` wants an interpreter of the functions' version: this one.
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def report(seconds: dict[tuple[int, str], list[float]]) -> float:
    ratio = 0.0
    print(f"{'':15}{'1 deployment':>14}{'10 deployments':>16}{'ratio':>8}")
    for phase in PHASES:
        one, ten = (statistics.median(seconds[count, phase]) for count in COUNTS)
        ratio = ten / one
        print(f"{phase:15}{one:12.2f} s{ten:14.2f} s{ratio:8.2f}")
    turns = len(seconds[COUNTS[0], PHASES[0]])
    print(f"\nmedian of {turns}, from nothing each time; aim: below {AIM}")
    return ratio


if __name__ == "__main__":
    sys.exit(main())

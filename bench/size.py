"""B9: what a function has to load: its files, their MB unzipped, and the modules it imports.

The same FastAPI application twice: as `adapter build` writes it, layers and function folder, and
packaged by hand with Mangum: the application, one line for the handler, and the requirements
fastapi and mangum. What the requirements bring is counted from what is installed here, of the same
versions for both, without compiled modules. The modules are those that are in memory when the first
answer is made, by each one's runtime client.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.support import command, events
from bench.support.builds import built_by_adapter
from bench.support.environment import ROOT, Contender, ours, pinned_apart, rival, running
from bench.support.result import Benchmark, Ratio, WrongAnswer
from bench.support.settings import Settings
from bench.support.turns import Values

AIM = 1.05
OURS, BY_HAND = "adapter", "Mangum, by hand"
UNITS = {"files": "files", "size": "MB", "modules": "modules"}
APPLICATION = ROOT / "bench/handlers/web.py"
HANDLER = "from mangum import Mangum\nfrom web import app\n\nhandler = Mangum(app)\n"
CONTENDERS = (ours("web_adapter.handler", OURS), rival("web_mangum.handler", BY_HAND))


def main() -> int:
    return command.alone(run, __doc__ or "")


def run(settings: Settings) -> Benchmark:
    """Build both packages and count."""
    values = Values(UNITS)
    with tempfile.TemporaryDirectory() as folder:
        mine, other = Path(folder, "adapter"), Path(folder, "by-hand")
        values.add(OURS, _package(_built(mine, settings), mine, settings))
        values.add(BY_HAND, _package(_by_hand(other), other, settings))
    with pinned_apart():
        for contender in CONTENDERS:
            values.add(contender.name, {"modules": len(_modules(contender, settings))})
    return Benchmark(
        id="B9",
        title="the size of what a function loads",
        aim="no more than 5 % over the same application packaged by hand",
        limit=1.5,
        ratios=tuple(_ratio(measure, values) for measure in UNITS),
        figures=values.figures(),
        notes=("A FastAPI application with its requirements, unzipped, without compiled modules.",),
    )


def _built(folder: Path, settings: Settings) -> list[str]:
    """Build it with the adapter; returns the requirements."""
    folder.mkdir()
    shutil.copy(APPLICATION, folder)
    built_by_adapter("web:app", folder, settings.python)
    (folder / "web.py").unlink()  # its copy is in a layer
    for name in ("template.yaml", "samconfig.toml"):  # say what is packed, and are not
        (folder / name).unlink()
    return _requirements(folder / "layers/dependencies/requirements.txt")


def _by_hand(folder: Path) -> list[str]:
    folder.mkdir()
    shutil.copy(APPLICATION, folder)
    (folder / "app.py").write_text(HANDLER, encoding="utf-8")
    (folder / "requirements.txt").write_text("fastapi\nmangum\n", encoding="utf-8")
    return _requirements(folder / "requirements.txt")


def _requirements(path: Path) -> list[str]:
    lines = [line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines()]
    return [line for line in lines if line]


def _package(requirements: list[str], folder: Path, settings: Settings) -> dict[str, float]:
    own = [path.stat().st_size for path in folder.rglob("*") if _is_packed(path)]
    installed = _installed(requirements, settings)
    return {
        "files": len(own) + installed["files"],
        "size": (sum(own) + installed["bytes"]) / (1 << 20),
    }


def _is_packed(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _installed(requirements: list[str], settings: Settings) -> dict[str, Any]:
    command_line = [settings.python, "-m", "bench.handlers.installed", *requirements]
    output = subprocess.run(command_line, cwd=ROOT, capture_output=True, check=True).stdout
    found: dict[str, Any] = json.loads(output)
    return found


def _modules(contender: Contender, settings: Settings) -> list[str]:
    with running(contender, settings.python) as environment:
        (served,) = environment.serve([events.http_api("/modules")])
        if not served.succeeded or json.loads(served.body).get("statusCode") != 200:
            raise WrongAnswer(contender.name, served.body, "the modules")
        found: list[str] = json.loads(json.loads(served.body)["body"])
        return found


def _ratio(measure: str, values: Values) -> Ratio:
    return values.ratio(measure, measure, (OURS, BY_HAND), aim=AIM)


if __name__ == "__main__":
    sys.exit(main())

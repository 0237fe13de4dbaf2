"""The samples beside this file, as type checkers read them.

A sample says with `assert_type` what an expression is, and with a comment which rule of which
checker it breaks. An expected mistake that is none is an error of its own, in both checkers.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SAMPLES = sorted(path for path in HERE.glob("*.py") if path != Path(__file__))
PYRIGHT = Path(sys.executable).with_name("basedpyright")

pytestmark = pytest.mark.timeout(300)


def mypy(*paths: Path) -> list[str]:
    """Return mypy's complaints about files, with the settings of this project."""
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-context"]
    found = subprocess.run(
        [*command, *map(str, paths)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stderr == ""
    return found.stdout.splitlines()


def pyright(project: Path) -> list[str]:
    """Return pyright's complaints about a folder: line, rule, message."""
    command = [str(PYRIGHT), "--outputjson", "--pythonpath", sys.executable]
    found = subprocess.run(
        [*command, "--project", str(project)],
        capture_output=True,
        text=True,
        check=False,
    )
    report: Any = json.loads(found.stdout)
    assert report["summary"]["filesAnalyzed"] == len(list(project.glob("*.py")))
    return [
        f"{entry['range']['start']['line'] + 1}: {entry.get('rule')}: {entry['message']}"
        for entry in report["generalDiagnostics"]
    ]


def test_there_are_samples() -> None:
    assert {path.stem for path in SAMPLES} == {"calls", "composition", "decorated"}


def test_mypy_with_the_plugin_reads_the_samples_as_they_say() -> None:
    assert mypy(*SAMPLES) == []


def test_pyright_reads_the_samples_as_they_say() -> None:
    assert pyright(HERE) == []


MISTAKES = """
from adapter import serve

@serve.deployment
class Model:
    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, text: str) -> float:
        return len(text) / self.size

Model.bind("3")
serve.run(Model.bind(3)).remote(4)
reveal_type(serve.run(Model.bind(3)).remote("a").result())
"""


def test_mypy_finds_the_mistakes_of_a_program(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(MISTAKES)

    assert [line.partition(":")[2] for line in mypy(program)] == [
        (
            '12: error: Argument 1 to "bind" of "DecoratedClass" has incompatible type "str"; '
            'expected "int"  [arg-type]'
        ),
        (
            '13: error: Argument 1 to "remote" of "DeploymentHandle" has incompatible type "int"; '
            'expected "str"  [arg-type]'
        ),
        '14: note: Revealed type is "float"',
    ]


def test_pyright_finds_the_mistakes_of_a_program(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(MISTAKES)
    settings = json.loads((HERE / "pyrightconfig.json").read_text())
    settings |= {"extraPaths": [str(ROOT)], "include": ["."]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))

    assert [line.partition("\n")[0] for line in pyright(tmp_path)] == [
        (
            "12: reportArgumentType: Argument of type \"Literal['3']\" cannot be assigned to "
            'parameter "size" of type "int" in function "bind"'
        ),
        (
            '13: reportArgumentType: Argument of type "Literal[4]" cannot be assigned to parameter '
            '"text" of type "str" in function "remote"'
        ),
        '14: None: Type of "serve.run(Model.bind(3)).remote("a").result()" is "float"',
    ]

import marshal
import os
import sys
from pathlib import Path

import pytest

from adapter.stack.bytecode import compile_modules
from adapter.template.package_sizes import MAX_UNZIPPED

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
TEMPLATE = f"""
Globals:
  Function: {{Runtime: {RUNTIME}, Layers: [!Ref Application]}}
Resources:
  Gateway: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: Gateway}}}}
  Application:
    Type: AWS::Serverless::LayerVersion
    Properties: {{ContentUri: Application, CompatibleRuntimes: [{RUNTIME}]}}
  Table: {{Type: AWS::DynamoDB::Table}}
"""
MODULE = "Application/python/shop.py"
UNCHECKED = (1).to_bytes(4, "little")  # PEP 552


def build(folder: Path, template: str = TEMPLATE) -> Path:
    """Lay out a folder as `sam build` does."""
    for name, text in {
        "template.yaml": template,
        "Gateway/app.py": "handler = print\n",
        MODULE: "KINDS = frozenset({'tea', 'cake', 'jam'})\n\ndef price(kind):\n    return 3\n",
        "Application/python/broken.py": "print 'of Python 2'\n",
        "Table/app.py": "not = 'ours'\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def compiled(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.pyc")
    }


def pyc(name: str) -> str:
    path = Path(name)
    return str(path.parent / f"__pycache__/{path.stem}.{sys.implementation.cache_tag}.pyc")


def test_modules_of_layers_and_functions_are_compiled(tmp_path: Path) -> None:
    missing = compile_modules(build(tmp_path))

    assert missing == ()
    assert compiled(tmp_path).keys() == {pyc("Gateway/app.py"), pyc(MODULE)}


def test_they_count_whatever_becomes_of_the_times_of_files(tmp_path: Path) -> None:
    compile_modules(build(tmp_path))

    assert {content[4:8] for content in compiled(tmp_path).values()} == {UNCHECKED}


def test_they_say_where_the_source_is_on_lambda(tmp_path: Path) -> None:
    compile_modules(build(tmp_path))

    code = {name: marshal.loads(content[16:]) for name, content in compiled(tmp_path).items()}
    assert code[pyc(MODULE)].co_filename == "/opt/python/shop.py"
    assert code[pyc("Gateway/app.py")].co_filename == "/var/task/app.py"


def test_the_same_source_gives_the_same_bytes_in_any_folder(tmp_path: Path) -> None:
    one, other = build(tmp_path / "one"), build(tmp_path / "a longer name")
    compile_modules(one)
    compile_modules(other)

    assert compiled(one) == compiled(other)


def test_nothing_is_written_where_a_link_leads(tmp_path: Path) -> None:
    folder, own = build(tmp_path / "build"), tmp_path / "own"
    own.mkdir()
    (own / "models.py").write_text("")
    (folder / "Application/python/models").symlink_to(own)
    (folder / MODULE).rename(own / "shop.py")
    (folder / MODULE).symlink_to(own / "shop.py")
    (folder / "Gateway").rename(own / "Gateway")
    (folder / "Gateway").symlink_to(own / "Gateway")

    compile_modules(folder)

    assert compiled(own) == {}
    assert compiled(folder).keys() == {pyc(MODULE)}


def test_what_would_not_fit_any_more_stays_as_it_was(tmp_path: Path) -> None:
    folder = build(tmp_path)
    used = sum(path.stat().st_size for path in folder.glob("*/**/*.py"))
    with (folder / "Gateway/weights").open("wb") as file:
        file.truncate(MAX_UNZIPPED - used + (folder / "Table/app.py").stat().st_size)

    compile_modules(folder)

    assert compiled(folder) == {}
    assert not list(folder.rglob("__pycache__"))


@pytest.mark.parametrize("template", ["{}", "Resources: {}"])
def test_a_template_without_resources_has_nothing_to_compile(tmp_path: Path, template: str) -> None:
    assert compile_modules(build(tmp_path, template)) == ()
    assert compiled(tmp_path) == {}


def test_without_a_build_there_is_nothing_to_compile(tmp_path: Path) -> None:
    assert compile_modules(tmp_path / "build") == ()


@pytest.mark.parametrize("path", [os.devnull, ""], ids=["absent", "only its name"])
def test_a_runtime_that_is_not_on_this_machine_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    shim = tmp_path / "bin/python3.99"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\necho 'python3.99: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", path or str(shim.parent))
    both = TEMPLATE.replace("CompatibleRuntimes: [", "CompatibleRuntimes: [python3.99, ")

    assert compile_modules(build(tmp_path, both)) == ("python3.99",)
    assert pyc(MODULE) in compiled(tmp_path)

import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapter.errors import BuildError
from adapter.template.entries import Copy, Link, write_entries
from adapter.template.layers import adapter_layer, application_layer, shutdown_extension_layer
from adapter.template.selection import Selection
from adapter.template.sources import find_sources
from tests.template.plans import entry_point, settings
from tests.template.trees import write_tree

ROOT = Path(__file__).parents[2]


def application_entries(app_dir: Path, stage: str) -> dict[str, object]:
    selection = Selection(root=app_dir)
    sources = find_sources([entry_point("Gateway")], selection)
    chosen = settings(app_dir, app_dir, stage=stage)
    return dict(application_layer(sources, selection, chosen))


def test_adapter_layer_is_the_run_time_part_and_the_wrapper() -> None:
    entries = adapter_layer(settings())

    top = {name.split("/")[1] for name in entries if "/" in name}
    assert "function.py" in top
    build_time = {"check", "cli", "config", "cost", "local", "plan", "stack", "template"}
    assert top.isdisjoint({*build_time, "__pycache__"})
    assert entries["bootstrap"] == Copy(source=ROOT / "adapter/template/bootstrap")


def test_adapter_layer_imports_by_itself(tmp_path: Path) -> None:
    write_entries(adapter_layer(settings()), tmp_path / "layer")
    names = ("function", "runtime.__main__", "runtime.main", "serve", "http", "calls")
    modules = ", ".join(f"adapter.{name}" for name in names)

    done = subprocess.run(
        [sys.executable, "-c", f"import {modules}; print(adapter.__file__)"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "layer")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.stdout == f"{tmp_path / 'layer/adapter/__init__.py'}\n"


@pytest.mark.parametrize("stage", ["copy", "link"])
def test_shutdown_extension_can_be_run_where_lambda_looks(tmp_path: Path, stage: str) -> None:
    layer = tmp_path / "layers" / "shutdown-extension"
    entries = shutdown_extension_layer(settings(output=tmp_path, stage=stage))

    write_entries(entries, layer)

    assert list(entries) == ["extensions/adapter-shutdown"]
    extension = layer / "extensions/adapter-shutdown"
    assert extension.read_text().startswith("#!/var/lang/bin/python3")
    assert os.access(extension, os.X_OK)


def test_linked_adapter_layer_leads_to_the_package() -> None:
    entries = adapter_layer(settings(output=ROOT, stage="link"))

    targets = {name: entry.target for name, entry in entries.items() if isinstance(entry, Link)}
    assert targets == {
        "adapter": "../../adapter",
        "bootstrap": "../../adapter/template/bootstrap",
    }


def test_copied_application_is_every_file(tmp_path: Path) -> None:
    write_tree(tmp_path, {"shop/__init__.py": "", "shop/words.txt": "", "shop/.env": ""})

    assert application_entries(tmp_path, "copy") == {
        "shop/__init__.py": Copy(source=tmp_path / "shop/__init__.py"),
        "shop/words.txt": Copy(source=tmp_path / "shop/words.txt"),
    }


def test_linked_application_is_one_link_for_each_module_and_package(tmp_path: Path) -> None:
    write_tree(tmp_path, {"shop/__init__.py": "import tools", "tools.py": "1", "shop/a.txt": "1"})

    assert application_entries(tmp_path, "link") == {
        "shop": Link(target="../../shop", size=13),
        "tools.py": Link(target="../../tools.py", size=1),
    }


def test_included_file_of_a_linked_package_needs_no_link(tmp_path: Path) -> None:
    write_tree(tmp_path, {"shop/__init__.py": "", "shop/a.txt": "", "data/b.txt": ""})
    selection = Selection(root=tmp_path)
    sources = find_sources([entry_point("Gateway")], selection, ["shop/a.txt", "data/*.txt"])

    entries = application_layer(sources, selection, settings(tmp_path, tmp_path, stage="link"))

    assert {name: entry.target for name, entry in entries.items() if isinstance(entry, Link)} == {
        "data/b.txt": "../../../data/b.txt",
        "shop": "../../shop",
    }


def test_link_that_would_ship_a_secret_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path, {"shop/__init__.py": "", "shop/.env": "", "shop/__pycache__/a.pyc": ""})

    with pytest.raises(BuildError, match=r'stage="link" would ship .*shop/.env, because'):
        application_entries(tmp_path, "link")

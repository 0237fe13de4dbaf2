import os
from pathlib import Path

import pytest

from adapter.errors import BuildError
from adapter.template.output import differences, write_project
from adapter.template.project import Project, lay_out
from tests.template.plans import application, function, gateway, settings
from tests.template.trees import read_tree, shop, write_tree


def project(folder: Path, *others: str, **options: str) -> Project:
    """Lay out an application of a gateway and others below `folder`."""
    plan = application(gateway(), *map(function, others))
    return lay_out(plan, settings(shop(folder / "app"), folder / "out", **options))


def test_written_project_has_no_differences(tmp_path: Path) -> None:
    built = project(tmp_path, "Model")
    assert "functions/gateway/app.py" in differences(built)

    write_project(built)

    assert differences(project(tmp_path, "Model")) == ()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "functions",
        "layers",
        "samconfig.toml",
        "template.yaml",
    ]


def test_second_build_touches_nothing_that_is_right(tmp_path: Path) -> None:
    write_project(project(tmp_path))
    before = {path: path.stat().st_ino for path in (tmp_path / "out").rglob("*")}

    write_project(project(tmp_path))

    assert {path: path.stat().st_ino for path in (tmp_path / "out").rglob("*")} == before


def test_second_build_keeps_links(tmp_path: Path) -> None:
    write_project(project(tmp_path, stage="link"))

    assert differences(project(tmp_path, stage="link")) == ()
    assert (tmp_path / "out/layers/application/shop.py").samefile(tmp_path / "app/shop.py")


def test_second_build_repairs_what_was_changed(tmp_path: Path) -> None:
    write_project(project(tmp_path))
    before = read_tree(tmp_path / "out")
    write_tree(tmp_path / "out", {"functions/gateway/app.py": "Written by `adapter build` x"})
    (tmp_path / "out/layers/adapter/bootstrap").chmod(0o644)
    (tmp_path / "out/layers/application/shop.py").unlink()

    assert differences(project(tmp_path)) == (
        "functions/gateway/app.py",
        "layers/adapter/bootstrap",
        "layers/application/shop.py",
    )
    write_project(project(tmp_path))

    assert read_tree(tmp_path / "out") == before


def test_functions_that_are_gone_are_removed(tmp_path: Path) -> None:
    write_project(project(tmp_path, "Model"))

    assert "functions/model" in differences(project(tmp_path))
    write_project(project(tmp_path))

    assert [path.name for path in (tmp_path / "out/functions").iterdir()] == ["gateway"]


def test_files_of_others_beside_ours_stay(tmp_path: Path) -> None:
    others = {
        "functions/theirs/app.py": "handler = print",
        "layers/theirs/requirements.txt": "numpy",
        "functions/README.md": "",
        "samconfig.toml": "",
        "README.md": "",
    }
    write_tree(tmp_path / "out", others)

    write_project(project(tmp_path))

    kept = {path: text for path, (_, text) in read_tree(tmp_path / "out").items() if path in others}
    assert kept == {path: text.encode() for path, text in others.items()}


@pytest.mark.parametrize(
    "name",
    [
        "template.yaml",
        "functions/gateway/app.py",
        "functions/gateway/main.py",
        "layers/application/lib.py",
        "layers/adapter/.written-by-adapter",
    ],
)
def test_files_of_others_in_our_places_are_never_replaced(tmp_path: Path, name: str) -> None:
    write_tree(tmp_path / "out", {name: "theirs"})
    before = read_tree(tmp_path)

    place = name if name == "template.yaml" else str(Path(name).parent)
    with pytest.raises(BuildError, match=f"out/{place}: not written by `adapter build`"):
        write_project(project(tmp_path))

    assert read_tree(tmp_path / "out") == {
        path.removeprefix("out/"): found for path, found in before.items() if "out/" in path
    }


@pytest.mark.parametrize(
    "name",
    [
        "functions/gateway/notes.md",
        "layers/dependencies/constraints.txt",
        "layers/application/data/extra.json",
        "functions/model/model.bin",  # of a function that is gone
    ],
)
def test_files_that_others_put_among_ours_are_never_removed(tmp_path: Path, name: str) -> None:
    write_project(project(tmp_path, "Model"))
    write_tree(tmp_path / "out", {name: "theirs"})
    before = read_tree(tmp_path / "out")

    with pytest.raises(BuildError, match=f"out/{name}: not written by"):
        write_project(project(tmp_path))

    assert read_tree(tmp_path / "out") == before


def test_every_place_in_the_way_is_named(tmp_path: Path) -> None:
    write_tree(tmp_path / "out", {"template.yaml": "", "functions/gateway": "", "layers": ""})

    with pytest.raises(BuildError) as caught:
        write_project(project(tmp_path))

    out = tmp_path / "out"
    assert str(caught.value).startswith(f"{out / 'layers'}, {out / 'template.yaml'}: not written")


@pytest.mark.parametrize("name", ["functions/gateway", "layers/adapter", "functions"])
def test_links_in_our_places_are_not_followed(tmp_path: Path, name: str) -> None:
    write_project(project(tmp_path))
    theirs = write_tree(tmp_path / "theirs", {"app.py": "Written by `adapter build x`"})
    place = tmp_path / "out" / name
    place.rename(tmp_path / "moved")
    place.symlink_to(theirs)

    with pytest.raises(BuildError, match=f"out/{name}: not written by"):
        write_project(project(tmp_path))


def test_link_beside_our_folders_stays(tmp_path: Path) -> None:
    write_project(project(tmp_path))
    write_tree(tmp_path / "theirs", {"app.py": "Written by `adapter build x`"})
    (tmp_path / "out/functions/theirs").symlink_to(tmp_path / "theirs")

    write_project(project(tmp_path))

    assert (tmp_path / "out/functions/theirs/app.py").is_file()


def test_output_that_is_a_file_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path, {"out": ""})

    with pytest.raises(BuildError, match="out: not written by"):
        write_project(project(tmp_path))


def test_disk_that_refuses_is_an_error_of_one_line(tmp_path: Path) -> None:
    write_tree(tmp_path, {"file": ""})
    built = lay_out(application(gateway()), settings(shop(tmp_path / "app"), tmp_path / "file/out"))

    with pytest.raises(BuildError, match=r"cannot write to .*file/out: File exists"):
        write_project(built)


def test_bytecode_of_python_is_in_nobodys_way(tmp_path: Path) -> None:
    write_project(project(tmp_path))
    write_tree(tmp_path / "out", {"functions/gateway/__pycache__/app.cpython-311.pyc": ""})

    assert differences(project(tmp_path)) == ()


@pytest.mark.parametrize("failing", range(1, 20))
def test_interrupted_build_leaves_the_old_project(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failing: int,
) -> None:
    write_project(project(tmp_path, "Gone"))
    before = read_tree(tmp_path / "out")
    changed = project(tmp_path, "Model", architecture="arm64", stage="link")
    moves = interrupt_at(failing, monkeypatch)

    try:
        write_project(changed)
    except KeyboardInterrupt:
        monkeypatch.undo()
        assert read_tree(tmp_path / "out") == before
        return

    assert len(moves) < failing
    assert differences(changed) == ()


@pytest.mark.parametrize("failing", [1, 3])
def test_interrupted_first_build_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failing: int,
) -> None:
    built = project(tmp_path)
    interrupt_at(failing, monkeypatch)

    with pytest.raises(KeyboardInterrupt):
        write_project(built)

    assert not (tmp_path / "out").exists()


def interrupt_at(number: int, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Press Ctrl-C in the moment of the build's rename of that number."""
    moves: list[Path] = []
    rename = os.rename

    def counting(source: Path, target: Path) -> Path:
        moves.append(source)
        if len(moves) == number:
            raise KeyboardInterrupt
        rename(source, target)
        return target

    monkeypatch.setattr(Path, "rename", counting)
    return moves

import os
from pathlib import Path

from adapter.template.entries import Copy, Entry, Link, Text, write_entries
from tests.template.trees import read_tree, write_tree


def test_entries_match_what_they_wrote(tmp_path: Path) -> None:
    source = write_tree(tmp_path, {"run.sh": "#!/bin/sh"}) / "run.sh"
    source.chmod(0o700)
    entries: dict[str, Entry] = {
        "a.txt": Text(text="é"),
        "bin/run.sh": Copy(source=source),
        "link": Link(target="a.txt", size=2),
    }

    write_entries(entries, tmp_path / "out")

    assert all(entry.matches(tmp_path / "out" / name) for name, entry in entries.items())
    assert {name: entry.size for name, entry in entries.items()} == {
        "a.txt": 2,
        "bin/run.sh": 9,
        "link": 2,
    }


def test_modes_are_the_same_under_every_umask(tmp_path: Path) -> None:
    source = write_tree(tmp_path, {"run.sh": ""}) / "run.sh"
    source.chmod(0o700)
    entries: dict[str, Entry] = {"sub/a.txt": Text(text=""), "sub/run.sh": Copy(source=source)}

    before = os.umask(0o077)
    try:
        write_entries(entries, tmp_path / "out")
    finally:
        os.umask(before)

    assert [mode & 0o777 for mode, _ in read_tree(tmp_path / "out").values()] == [0o644, 0o755]
    assert (tmp_path / "out/sub").stat().st_mode & 0o777 == 0o755


def test_other_content_mode_or_kind_does_not_match(tmp_path: Path) -> None:
    path = write_tree(tmp_path, {"a": "1", "b": "1"}) / "a"
    one = Text(text="1")
    assert one.matches(path)

    assert not Text(text="2").matches(path)
    assert not Link(target="b", size=1).matches(path)
    path.chmod(0o755)
    assert not one.matches(path)
    path.unlink()
    assert not one.matches(path)
    path.symlink_to("b")
    assert not one.matches(path)
    assert not Copy(source=tmp_path / "b").matches(path)

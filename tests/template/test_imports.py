import pytest

from adapter.template.imports import imported_modules


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import a.b, c as d", {"a", "c"}),
        ("from a.b import c", {"a"}),
        ("def f():\n    import lazy", {"lazy"}),
        ("try:\n    import fast\nexcept ImportError:\n    import slow", {"fast", "slow"}),
        ("from . import sibling\nfrom .near import x", set()),
        ("import importlib\nimportlib.import_module('plugin.x')", {"importlib", "plugin"}),
        ("import_module('.near', __package__)", set()),
        ("import_module('../etc')", set()),
        ("import_module(name)", set()),
        ("__import__('old')", {"old"}),
        ("load('data')", set()),
        ("loaders[0]('data')", set()),
    ],
)
def test_imports_are_found_wherever_they_stand(source: str, modules: set[str]) -> None:
    assert imported_modules(source) == modules


@pytest.mark.parametrize("source", [b"print 'old'", b"{{ template }}\n:", b"\x00", b"\xff\xfe"])
def test_file_that_is_no_python_imports_nothing(source: bytes) -> None:
    assert imported_modules(source) == frozenset()


def test_source_in_another_encoding_is_read() -> None:
    assert imported_modules("# coding: latin-1\nimport a  # ü".encode("latin-1")) == {"a"}


def test_warnings_about_the_source_of_the_user_are_not_ours() -> None:
    assert imported_modules(r'import a; b = "\d"') == {"a"}

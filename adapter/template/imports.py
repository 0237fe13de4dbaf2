"""Which top-level modules a source file imports, found without running it."""

import ast
import warnings
from collections.abc import Iterator

from adapter.plan.source import parse


def imported_modules(source: bytes | str) -> frozenset[str]:
    """Return the top-level names that `source` imports anywhere, lazy imports included.

    Relative imports stay inside their package and are left out. A file that is no Python of this
    interpreter's version, a code template for instance, imports nothing.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the user's invalid escape sequences are not our business
        try:
            tree = parse(source)
        except (SyntaxError, ValueError):
            return frozenset()
    return frozenset(name.partition(".")[0] for node in ast.walk(tree) for name in _names(node))


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=str(module), level=0):
            yield module
        case ast.Call(func=function, args=[ast.Constant(value=str(module)), *_]):
            if _is_import(function) and module.partition(".")[0].isidentifier():
                yield module


def _is_import(function: ast.expr) -> bool:
    """Tell `import_module(...)`, `importlib.import_module(...)` and `__import__(...)`."""
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in {"import_module", "__import__"}
    return False

"""Python source as a syntax tree."""

import ast


def parse(source: str | bytes) -> ast.Module:
    """Parse source text. Raises SyntaxError or ValueError for what is no Python.

    Python before 3.11.8 and 3.12.2 fails at random, with SystemError, where the garbage collector
    parses something meanwhile (python/cpython#106905); the second try is a new chance.
    """
    try:
        return ast.parse(source)
    except SystemError:
        return ast.parse(source)

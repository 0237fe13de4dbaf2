import ast

import pytest

from adapter.plan.source import parse


def test_what_fails_at_random_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    real, tries = ast.parse, []

    def failing_once(source: str) -> ast.Module:
        tries.append(source)
        if len(tries) == 1:
            raise SystemError("AST constructor recursion depth mismatch")
        return real(source)

    monkeypatch.setattr(ast, "parse", failing_once)

    assert len(parse("a = 1").body) == 1


def test_what_is_no_python_is_a_syntax_error() -> None:
    with pytest.raises(SyntaxError):
        parse("a =")

"""Classes by name: found where they are loaded, and nothing happens on the way."""

import collections
import importlib.util
import sys
from collections import OrderedDict
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from adapter.calls.loaded import loaded_class, name_of


class Outer:
    class Inner:
        pass

    value = Inner()


class Meta(type):
    def __getattr__(cls, name: str) -> Any:
        raise AssertionError(name)

    if not TYPE_CHECKING:

        @property
        def __dict__(cls) -> Any:
            raise AssertionError("the namespace")


class Watched(metaclass=Meta):
    class Inner:
        pass


class Proxy:
    if not TYPE_CHECKING:

        @property
        def __class__(self) -> Any:
            raise AssertionError("the class")


proxy = Proxy()


def function() -> type[Any]:
    class Local:
        pass

    return Local


@pytest.mark.parametrize(
    ("module", "qualname", "found"),
    [
        (__name__, "Outer", Outer),
        (__name__, "Outer.Inner", Outer.Inner),
        (__name__, "Watched.Inner", Watched.Inner),
        ("builtins", "KeyError", KeyError),
        ("collections", "OrderedDict", collections.OrderedDict),
    ],
)
def test_class_of_a_loaded_module_is_found(module: str, qualname: str, found: type[Any]) -> None:
    assert loaded_class(module, qualname) is found


@pytest.mark.parametrize(
    ("module", "qualname"),
    [
        (__name__, "Nobody"),
        (__name__, ""),
        (__name__, "Outer."),
        (__name__, "Outer.value"),
        (__name__, "Outer.Inner.__init__"),
        (__name__, "Outer.__class__"),
        (__name__, "Watched.Nobody"),
        (__name__, "function"),
        (__name__, "function.<locals>.Local"),
        (__name__, "sys"),
        (__name__, "sys.modules"),
        (__name__, "proxy"),
        ("", "Outer"),
        ("os", "system"),
        ("builtins", "eval"),
        (f"{__name__}.Outer", "Inner"),
        (None, None),
        (1, 2),
        ([], {}),
        (__name__, ["Outer"]),
    ],
)
def test_what_is_no_class_there_is_not_found(module: Any, qualname: Any) -> None:
    assert loaded_class(module, qualname) is None


def test_module_that_is_not_loaded_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)

    assert loaded_class("this", "Zen") is None
    assert "this" not in sys.modules


def test_module_is_not_asked_for_what_it_makes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("made_up")
    module.__getattr__ = pytest.fail
    monkeypatch.setitem(sys.modules, "made_up", module)

    assert loaded_class("made_up", "Thing") is None


def test_lazy_module_is_not_loaded_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.find_spec("this")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "this", module)
    spec.loader.exec_module(module)

    assert loaded_class("this", "Zen") is None
    assert "s" not in object.__getattribute__(module, "__dict__")


def test_entry_of_sys_modules_may_be_no_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "odd", Proxy())

    assert loaded_class("odd", "Thing") is None


def test_class_that_its_name_does_not_lead_to_has_none() -> None:
    assert name_of(Outer.Inner) == (__name__, "Outer.Inner")
    assert name_of(OrderedDict) == ("collections", "OrderedDict")
    assert name_of(function()) is None
    assert name_of(type("Outer", (), {"__module__": __name__})) is None

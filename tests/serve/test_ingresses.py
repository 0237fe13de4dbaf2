import functools
from typing import Any

import pytest

from adapter import serve
from adapter.serve.ingresses import ASGIIngressDeployment, Ingress, ingress_of, is_factory


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Stand in for an ASGI application."""


class Application:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Stand in for FastAPI."""


def factory() -> Any:
    return application


def test_ingress_marks_the_class_and_returns_it() -> None:
    app = Application()

    class Gateway:
        pass

    assert serve.ingress(app)(Gateway) is Gateway
    assert ingress_of(Gateway) == Ingress(app, is_factory=False)


def test_function_is_a_factory() -> None:
    class Gateway:
        pass

    assert ingress_of(serve.ingress(factory)(Gateway)) == Ingress(factory, is_factory=True)


def test_class_without_the_decorator_has_no_ingress() -> None:
    class Model:
        pass

    assert ingress_of(Model) is None
    assert ingress_of(factory) is None


def test_subclass_keeps_the_ingress() -> None:
    app = Application()

    @serve.ingress(app)
    class Gateway:
        pass

    class Better(Gateway):
        pass

    assert ingress_of(Better) == Ingress(app)


@pytest.mark.parametrize("thing", [factory, Application(), serve.deployment(Application)])
def test_only_classes_are_decorated(thing: Any) -> None:
    with pytest.raises(ValueError, match=r"^@serve.ingress must be used with a class\.$"):
        serve.ingress(Application())(thing)


def test_class_with_call_is_refused() -> None:
    class Inherits(Application):
        pass

    message = r"^Classes passed to @serve.ingress may not have __call__ method\.$"
    with pytest.raises(ValueError, match=message):
        serve.ingress(Application())(Application)
    with pytest.raises(ValueError, match=message):
        serve.ingress(Application())(Inherits)


def test_no_application_needs_a_class_that_builds_one() -> None:
    class Empty:
        pass

    class Builder:
        def __serve_build_asgi_app__(self) -> Any:
            return application

    with pytest.raises(ValueError, match="needs Empty to define __serve_build_asgi_app__"):
        serve.ingress()(Empty)
    assert ingress_of(serve.ingress()(Builder)) == Ingress(None)


def test_no_class_makes_the_default_one() -> None:
    made = serve.ingress(factory)()

    assert made.__name__ == "ASGIIngressDeployment"
    assert issubclass(made, ASGIIngressDeployment)
    assert ingress_of(made) == Ingress(factory, is_factory=True)
    assert serve.deployment(made).name == "ASGIIngressDeployment"


def test_default_class_keeps_its_arguments() -> None:
    instance = serve.ingress(factory)()(1, two=2)

    assert (instance.args, instance.kwargs) == ((1,), {"two": 2})


def test_default_classes_do_not_share_their_ingress() -> None:
    first, second = serve.ingress(factory)(), serve.ingress(Application())()

    assert ingress_of(first) != ingress_of(second)
    assert ingress_of(ASGIIngressDeployment) is None


def optional(name: str = "") -> None: ...
def variable(*_args: Any, **_kwargs: Any) -> None: ...
def keyword(*, name: str) -> None: ...


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        (lambda: None, True),
        (optional, True),
        (variable, True),
        (keyword, False),
        (application, False),
        (lambda scope: scope, False),
        (Application(), False),
        (Application, False),
        (len, False),
        (None, False),
    ],
)
def test_factory_is_a_function_that_needs_no_arguments(app: Any, *, expected: bool) -> None:
    assert is_factory(app) is expected


class CallableWithoutArguments:
    def __call__(self) -> None:
        """Would make an application, but is no function."""


@pytest.mark.parametrize(
    "app",
    [CallableWithoutArguments(), functools.partial(factory), Application.__call__.__get__(3), len],
)
def test_only_a_function_is_a_factory_as_inspect_isfunction_decides(app: Any) -> None:
    assert ingress_of(serve.ingress(app)()) == Ingress(app, is_factory=False)


def test_lambda_is_a_factory_too() -> None:
    made = serve.ingress(lambda: application)()

    assert ingress_of(made) is not None
    assert ingress_of(made).is_factory  # type: ignore[union-attr]


def needs_more(settings: Any, *, debug: bool) -> Any:
    raise AssertionError((settings, debug))


def test_factory_with_required_parameters_is_refused_with_their_names() -> None:
    with pytest.raises(
        ValueError, match=r"calls needs_more without arguments.* but it needs: "
    ) as e:
        serve.ingress(needs_more)

    assert "settings, debug. Give them defaults" in str(e.value)
    assert "serve.ingress(lambda: needs_more(...))" in str(e.value)


@pytest.mark.parametrize("app", [3, "main:app", object()])
def test_what_cannot_be_called_is_no_application(app: Any) -> None:
    with pytest.raises(ValueError, match="needs an ASGI application, or a function that makes one"):
        serve.ingress(app)


def test_asgi_function_is_served_and_not_called() -> None:
    assert ingress_of(serve.ingress(application)()) == Ingress(application, is_factory=False)

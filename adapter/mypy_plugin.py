"""A plugin for mypy, which takes no notice of what a decorator makes of a class.

    [tool.mypy]
    plugins = ["adapter.mypy_plugin"]

With it a class that is decorated with `@serve.deployment` has `bind` and `options`, and
`handle.predict.remote(...)` takes and gives what the method `predict` does. Other type checkers
see to the decorator by themselves.
"""

from collections.abc import Callable

from mypy.checker import TypeChecker
from mypy.plugin import AttributeContext, ClassDefContext, Plugin
from mypy.types import Instance, Type, get_proper_type

_DECORATOR = "adapter.serve.deployments.deployment"
_DECORATED = "adapter.serve.deployments.DecoratedClass"
_HANDLES = (
    "adapter.serve.handles.DeploymentHandle",
    "adapter.serve.handle_types.EventDeploymentHandle",
    "adapter.serve.handle_types.StreamingDeploymentHandle",
)


class ServePlugin(Plugin):
    """Gives decorated classes and handles' methods their types."""

    def get_class_decorator_hook_2(
        self,
        fullname: str,
    ) -> Callable[[ClassDefContext], bool] | None:
        """Change the classes that `@serve.deployment` decorates."""
        return _decorate if fullname == _DECORATOR else None

    def get_attribute_hook(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        """Look up the methods that handles have through `__getattr__`."""
        owner, _, name = fullname.rpartition(".")
        owner = owner.removesuffix(".__getattr__")
        if owner not in _HANDLES or name.startswith("_"):
            return None
        return lambda context: _method(context, name)


def _decorate(context: ClassDefContext) -> bool:
    """Let the class itself have what a deployment has, by its class."""
    decorated = context.api.named_type_or_none(_DECORATED, [])
    if decorated is None:
        return False
    context.cls.info.declared_metaclass = context.cls.info.metaclass_type = decorated
    return True


def _method(context: AttributeContext, name: str) -> Type:
    """Return a handle of the method's type; the method is looked up where the class is known."""
    handle, found = get_proper_type(context.type), get_proper_type(context.default_attr_type)
    if not isinstance(handle, Instance) or not isinstance(found, Instance):
        return found
    if handle.type.get(name) is not None:  # the handle's own
        return found
    held = get_proper_type(handle.args[0]) if handle.args else None
    if not isinstance(held, Instance) or not isinstance(context.api, TypeChecker):
        return found
    checker = context.api.expr_checker
    method = checker.analyze_external_member_access(name, held, context.context)
    return Instance(found.type, [method])


def plugin(_version: str) -> type[Plugin]:
    """What mypy asks for."""
    return ServePlugin


__all__ = ["ServePlugin", "plugin"]

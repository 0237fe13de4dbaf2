"""Deployment graphs as a program writes them: what is called with what, before anything runs.

The older form of Ray Serve, which dropped it in 2.9; `adapter.dag` is the door to it.

    first, second = Model.bind(1), Model.bind(2)
    with InputNode() as request:
        both = combine.bind(first.predict.bind(request[0]), second.predict.bind(request[1]))
    app = DAGDriver.bind(both)
"""

from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self

from adapter.serve import older

if TYPE_CHECKING:
    from adapter.serve.deployments import Application


class InputNode:
    """What a graph is called with, in the `with` block that builds the graph: one for a graph.

    The node itself is the only argument of a call. `request[0]` and `request.name` are a part of
    it: an item, an attribute; of a call with several arguments, one of these.

    Raises `ValueError` for arguments; `input_type` is taken and has no effect.
    """

    def __init__(self, *args: Any, input_type: Any = None, **kwargs: Any) -> None:
        del input_type
        if args or kwargs:
            raise ValueError("InputNode should not take any args or kwargs.")
        older.say("InputNode", "a class whose method calls handles")
        self.is_entered = False

    def __enter__(self) -> Self:
        self.is_entered = True
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing ends: the graph is used after the block."""

    def __getitem__(self, key: int | str) -> "InputAttributeNode":
        if not isinstance(key, (int, str)):
            raise TypeError(f"an InputNode is indexed by a number or a text, not by {key!r}.")
        return InputAttributeNode(self, key)

    def __getattr__(self, name: str) -> "InputAttributeNode":
        if name.startswith("_"):  # of Python's own protocols, such as copying
            raise AttributeError(name)
        return InputAttributeNode(self, name, is_attribute=True)


class InputAttributeNode(NamedTuple):
    """A part of the input: `request["name"]`, `request[0]`, or with `is_attribute` `request.x`."""

    whole: InputNode
    key: int | str
    is_attribute: bool = False


class MethodNode:
    """A call of a bound deployment's method: `Model.bind().predict.bind(request)`."""

    def __init__(
        self,
        application: "Application",
        method: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.application = application
        self.method = method
        self.args = args
        self.kwargs = kwargs

    def __repr__(self) -> str:
        return (
            f"MethodNode(deployment={self.application.deployment.name!r}, method={self.method!r})"
        )


class UnboundMethodNode:
    """A method of a bound deployment that is not called yet: `Model.bind().predict`."""

    def __init__(self, application: "Application", method: str) -> None:
        self._application = application
        self._method = method

    def bind(self, *args: Any, **kwargs: Any) -> MethodNode:
        """Bind the arguments of a call; `InputNode` and other nodes may be among them."""
        return MethodNode(self._application, self._method, args, kwargs)

    def remote(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse: the deployment does not run yet. Raises AttributeError."""
        raise AttributeError(
            f".remote() cannot be used on {self!r}, which does not run yet. Use .bind() to make it "
            "part of a graph.",
        )

    def __repr__(self) -> str:
        name = self._application.deployment.name
        return f"UnboundMethodNode(deployment={name!r}, method={self._method!r})"


def method_node(application: "Application", name: str) -> UnboundMethodNode:
    """Return the method of a bound deployment. Raises AttributeError where its class has none."""
    if name.startswith("_") and name != "__call__":
        raise AttributeError(f"{type(application).__name__!r} object has no attribute {name!r}")
    cls = application.deployment.func_or_class
    getattr(cls, name)  # its own AttributeError names the class
    return UnboundMethodNode(application, name)

"""What a decorated class or function is to a type checker, and what `bind` and `options` take."""

from collections.abc import Callable
from typing import assert_type

from fastapi import FastAPI

from adapter import serve
from adapter.serve.ingresses import ASGIIngressDeployment

app = FastAPI()


class Size:
    """A plain class, to be decorated by a call."""

    def __init__(self, size: int, *, mode: str = "slow") -> None:
        self.size = size
        self.mode = mode


@serve.deployment
class Model:
    def __init__(self, size: int, *, mode: str = "slow") -> None:
        self.size = size
        self.mode = mode

    def __call__(self, text: str) -> float:
        return len(text) / self.size


@serve.deployment(name="Fast", num_replicas=2, lambda_options=serve.LambdaOptions(memory_mb=1024))
class WithOptions:
    def __init__(self, size: int) -> None:
        self.size = size


@serve.deployment
@serve.ingress(app)
class Gateway:
    def __init__(self, limit: int) -> None:
        self.limit = limit

    @app.get("/")
    def root(self) -> int:
        return self.limit


@serve.deployment
def shout(text: str) -> str:
    return text.upper()


@serve.deployment(max_ongoing_requests=3)
async def whisper(text: str) -> str:
    return text.lower()


# A bound class keeps its type, and takes what its constructor takes.
assert_type(Model.bind(3), "serve.Application[Model]")  # pyright: ignore[reportGeneralTypeIssues, reportAssertTypeFailure]
assert_type(serve.deployment(Size), serve.Deployment[type[Size]])
assert_type(serve.deployment(Size).bind(3, mode="fast"), serve.Application[Size])
Model.bind("3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Model.bind()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Model.bind(3, mod="fast")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
WithOptions.bind("3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Gateway.bind("3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# So does a function; what it is bound to is a call, in graphs only.
assert_type(shout.bind(), serve.Application[Callable[[str], str]])  # type: ignore[assert-type]  # pyright: ignore[reportAssertTypeFailure]

# Options change nothing of it; their names and values are checked.
assert_type(serve.deployment(Size).options(name="Other"), serve.Deployment[type[Size]])
assert_type(Model.options(num_replicas="auto").name, str)
assert_type(serve.deployment(num_replicas=2)(Size).bind(3), serve.Application[Size])
assert_type(Model.options(Size).bind(3), serve.Application[Size])
Model.options(name="Other").bind("3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Model.options(nam="Other")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
serve.deployment(num_replica=2)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
serve.deployment(num_replicas="many")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
serve.LambdaOptions(ulr="stream")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
serve.LambdaOptions(url="streams")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# The class that `serve.ingress` makes.
assert_type(serve.ingress(app)(), type[ASGIIngressDeployment])
assert_type(serve.deployment(serve.ingress(app)()), serve.Deployment[type[ASGIIngressDeployment]])

# What is there is there.
serve.deplyoment(Size)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def annotated(deployment: serve.Deployment, application: serve.Application) -> None:
    """Take any: nothing has to stand in brackets."""
    assert_type(deployment.name, str)
    assert_type(serve.run(application), serve.DeploymentHandle)


annotated(Model, Model.bind(3))
annotated(serve.deployment(Size), shout.bind())

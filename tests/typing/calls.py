"""What handles take and give."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, assert_type

from adapter import serve


class Model:
    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, text: str) -> float:
        return len(text) / self.size

    async def explain(self, text: str, *, words: int = 3) -> list[str]:
        return text.split()[:words]

    def tokens(self, text: str) -> Iterator[str]:
        yield from text

    async def more_tokens(self, text: str) -> AsyncIterator[str]:
        yield text


class Asynchronous:
    async def __call__(self, text: str) -> bytes:
        return text.encode()


class Silent:
    def ping(self) -> None:
        """Answer."""


application = serve.deployment(Model).bind(3)
handle = serve.run(application)

# A handle of a known class is called as the class.
assert_type(handle, serve.DeploymentHandle[Model])
assert_type(handle.remote("a"), serve.DeploymentResponse[float])
assert_type(handle.remote("a").result(timeout_s=1), float)
assert_type(serve.run(serve.deployment(Asynchronous).bind()).remote("a").result(), bytes)
handle.remote(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
handle.remote()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
serve.run(serve.deployment(Silent).bind()).remote()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


@serve.deployment
async def shout(text: str) -> str:
    return text.upper()


assert_type(serve.run(shout.bind()).remote("a").result(), str)

# Its methods too, with the plugin of mypy; to other checkers they take and give anything.
assert_type(handle.explain.remote("a", words=2), serve.DeploymentResponse[list[str]])  # pyright: ignore[reportAssertTypeFailure]
assert_type(handle.explain.remote("a").result(), list[str])  # pyright: ignore[reportAssertTypeFailure]
handle.explain.remote(1)  # type: ignore[call-overload]
handle.expalin.remote("a")  # type: ignore[attr-defined]

# What a handle has of its own stays its own.
assert_type(handle.deployment_name, str)
assert_type(handle.is_initialized, bool)
assert_type(handle.options(multiplexed_model_id="a"), serve.DeploymentHandle[Model])
assert_type(handle.options(method_name="explain"), serve.DeploymentHandle[Any])
handle.options(method="explain")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]

# A call that nobody waits for takes what the method takes, and gives None.
event = handle.options(invocation_type="Event")
assert_type(event.remote("a"), serve.DeploymentResponse[None])
event.remote(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
assert_type(event.explain.remote("a", words=2), serve.DeploymentResponse[None])
event.explain.remote(1)  # type: ignore[arg-type]
handle.options(invocation_type="Event", stream=True)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
assert_type(handle.options(invocation_type="RequestResponse"), serve.DeploymentHandle[Model])

# A stream gives what is yielded.
streaming = handle.options(stream=True)
assert_type(streaming.tokens.remote("a"), serve.DeploymentResponseGenerator[str])  # pyright: ignore[reportAssertTypeFailure]
for item in streaming.tokens.remote("a"):
    assert_type(item, str)  # pyright: ignore[reportAssertTypeFailure]
any_method = handle.options(method_name="tokens", stream=True)
assert_type(any_method.remote("a"), serve.DeploymentResponseGenerator[Any])
streaming_function: Callable[[str], Iterator[bytes]] = lambda text: iter([text.encode()])  # noqa: E731 - typed
pieces = serve.run(serve.deployment(streaming_function).bind()).options(stream=True).remote("a")
assert_type(pieces, serve.DeploymentResponseGenerator[bytes])


async def wait() -> None:
    assert_type(await handle.remote("a"), float)
    assert_type(await shout_handle.remote("a"), str)
    async for item in streaming.more_tokens.remote("a"):
        assert_type(item, str)  # pyright: ignore[reportAssertTypeFailure]
    async for piece in pieces:
        assert_type(piece, bytes)


shout_handle = serve.run(shout.bind())

# A handle of nothing known takes and gives anything.
unknown = serve.get_app_handle("default")
assert_type(unknown, serve.DeploymentHandle[Any])
assert_type(unknown.remote(1, 2), serve.DeploymentResponse[Any])
assert_type(unknown.predict.remote(a=1).result(), Any)
assert_type(unknown.options(stream=True).predict.remote(), serve.DeploymentResponseGenerator[Any])

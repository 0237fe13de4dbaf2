"""`serve.run(app, _local_testing_mode=True)`: applications in this process, without HTTP."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from adapter import serve
from adapter.errors import InvocationError, LocalError, NotSerializable, RemoteError
from adapter.local import in_process
from adapter.serve.running import RunTarget

MEGABYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    serve.shutdown()


def run(application: Any, **options: Any) -> Any:
    return serve.run(application, _local_testing_mode=True, **options)


@serve.deployment
class Echo:
    def __call__(self, value: Any) -> Any:
        return value

    def type_of(self, value: Any) -> str:
        return type(value).__name__

    def result(self, kind: str) -> Any:
        return {"lock": threading.Lock(), "large": "x" * 7 * MEGABYTE}[kind]

    async def numbers(self, count: int) -> AsyncIterator[int]:
        for number in range(count):
            yield number


@serve.deployment
class Twice:
    def __init__(self, echo: Any) -> None:
        self.echo = echo

    async def __call__(self, value: Any) -> list[Any]:
        return [await self.echo.remote(value), await self.echo.remote(value)]


def test_handles_are_used_in_plain_and_in_async_code() -> None:
    handle = run(Twice.bind(Echo.bind()))

    async def main() -> Any:
        return await handle.remote("b")

    assert handle.remote("a").result(timeout_s=10) == ["a", "a"]
    assert asyncio.run(main()) == ["b", "b"]


def test_responses_are_arguments_and_streams_are_streams() -> None:
    handle = run(Echo.bind())

    assert handle.remote(handle.remote(1)).result(timeout_s=10) == 1
    assert list(handle.options(stream=True).numbers.remote(3)) == [0, 1, 2]


def test_an_ingress_is_called_by_its_methods() -> None:
    @serve.deployment
    @serve.ingress(FastAPI())
    class Gateway:
        def plain(self, number: int) -> int:
            return number + 1

    assert run(Gateway.bind()).plain.remote(1).result(timeout_s=10) == 2


def test_nothing_listens() -> None:
    run(Echo.bind())

    assert serve.status().proxies == {}
    assert serve.status().applications["default"].status == "RUNNING"
    with pytest.raises(LocalError, match="over HTTP"):
        in_process.url()


def test_applications_share_prefixes_because_there_is_no_http() -> None:
    first, second = (run(Echo.bind(), name=name) for name in ("first", "second"))

    assert [first.remote(1).result(), second.remote(2).result()] == [1, 2]


def test_running_a_name_again_replaces_it() -> None:
    run(Echo.bind())
    handle = run(Twice.bind(Echo.bind()))

    assert handle.remote(1).result(timeout_s=10) == [1, 1]


def test_a_constructors_exception_comes_out_as_it_is() -> None:
    class OwnError(Exception):
        pass

    @serve.deployment
    class Broken:
        def __init__(self) -> None:
            raise OwnError("no weights")

    with pytest.raises(OwnError, match="no weights"):
        run(Broken.bind())


def test_an_argument_that_cannot_travel_fails_here_and_not_on_aws() -> None:
    handle = run(Echo.bind())

    with pytest.raises(NotSerializable, match=r"argument 0 is a _thread\.lock"):
        handle.remote(threading.Lock())
    with pytest.raises(NotSerializable, match=r"argument 'value'\['deep'\]"):
        handle.remote(value={"deep": object()})


def test_a_result_that_cannot_travel_fails_too() -> None:
    handle = run(Echo.bind())

    with pytest.raises(RemoteError, match=r"the result of 'result' is a _thread\.lock"):
        handle.result.remote("lock").result()


def test_what_is_larger_than_lambda_takes_fails_as_there() -> None:
    handle = run(Echo.bind())

    with pytest.raises(
        InvocationError, match=r"RequestTooLargeException: the call has [0-9,]+ bytes"
    ):
        handle.remote("x" * 7 * MEGABYTE).result()
    with pytest.raises(RemoteError, match=r"ResponseSizeTooLarge.* exceeded maximum allowed"):
        handle.result.remote("large").result()


def test_arguments_arrive_as_they_would_on_aws() -> None:
    class Own(str):
        __slots__ = ()

    original = ["a"]
    handle = run(Echo.bind())

    assert handle.type_of.remote(Own("x")).result() == "str"
    assert handle.remote(original).result() is not original
    assert handle.remote((1, {2})).result() == (1, {2})


def test_many_may_be_tested() -> None:
    handles = serve.run_many(
        [RunTarget(Echo.bind(), "a"), RunTarget(Echo.bind(), "b")],
        _local_testing_mode=True,
    )

    assert [handle.remote(1).result() for handle in handles] == [1, 1]
    assert serve.status().proxies == {}


@pytest.mark.parametrize(
    "variable",
    ["RAY_SERVE_FORCE_LOCAL_TESTING_MODE", "ADAPTER_LOCAL_TESTING_MODE"],
)
@pytest.mark.parametrize(("value", "servers"), [("1", 0), ("0", 1), ("true", 1)])
def test_the_environment_may_ask_for_it(
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    servers: int,
) -> None:
    serve.start(http_options={"port": 0})
    monkeypatch.setenv(variable, value)

    assert serve.run(Echo.bind()).remote(1).result() == 1
    assert len(serve.status().proxies) == servers


SCRIPT = """
import sys
from adapter import serve

@serve.deployment
def double(number: int) -> int:
    return 2 * number

handle = serve.run(double.bind(), _local_testing_mode=True)
print(handle.remote(2).result(), "uvicorn" in sys.modules)
"""


def test_a_script_ends_by_itself_and_loads_no_server() -> None:
    command = [sys.executable, "-W", "error", "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    assert (done.stdout, done.stderr) == ("4 False\n", "")

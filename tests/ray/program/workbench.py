"""A workbench: tries out what handles do, what they refuse, and how it is told.

A program for Ray Serve: its imports begin with `from ray` there, and nothing else differs.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import numpy as np
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from adapter import serve
from adapter.serve.exceptions import RayServeException, RequestCancelledError
from adapter.serve.handle import DeploymentHandle

SMALL = {"num_cpus": 0.1}
api = FastAPI(title="Workbench")


class OutOfOrder(RuntimeError):
    """An error of the team's own."""

    def __init__(self, part: str, code: int) -> None:
        super().__init__(part, code)
        self.part, self.code = part, code

    def __str__(self) -> str:
        return f"{self.part} is out of order"


class Colour(Enum):
    """What samples have."""

    RED = "red"


@dataclass
class Sample:
    """What is put under the apparatus."""

    size: int
    colour: Colour = Colour.RED


class Report(BaseModel):
    """What the apparatus says of samples."""

    samples: list[Sample]


@serve.deployment(ray_actor_options=SMALL)
class Apparatus:
    """What the workbench calls."""

    def double(self, number: int, *, times: int = 1) -> int:
        """Double a number, so many times."""
        return number << times

    async def echo(self, *values: Any, **named: Any) -> Any:
        """Return what came."""
        return values, named

    def count(self, most: int) -> Iterator[int]:
        """Count, in plain code."""
        yield from range(most)

    async def count_async(self, most: int) -> AsyncIterator[int]:
        """Count."""
        for number in range(most):
            yield number

    async def forever(self) -> AsyncIterator[int]:
        """Yield one number, then nothing more."""
        yield 1
        await asyncio.Event().wait()

    def measure(self, sample: Any) -> tuple[str, int, bool]:
        """Tell a sample's class, size and whether it is red; without a hint at what it is."""
        return type(sample).__name__, sample.size, sample.colour is Colour.RED

    def report(self, sizes: list[int]) -> Report:
        """Return a model that holds others."""
        return Report(samples=[Sample(size) for size in sizes])

    async def samples(self, sizes: list[int]) -> AsyncIterator[Sample]:
        """Yield models."""
        for size in sizes:
            yield Sample(size)

    def look_up(self, key: str) -> int:
        """Fail with a builtin error."""
        return {"known": 1}[key]

    async def break_down(self) -> None:
        """Fail with an error of our own."""
        raise OutOfOrder("lamp", code=7)


class Versioned:
    """What classes of the API have in common."""

    version = "1"

    @api.get("/version")
    def get_version(self) -> str:
        """Return the version."""
        return self.version


KINDS = {
    "RayServeException": RayServeException,
    "RequestCancelledError": RequestCancelledError,
    "OutOfOrder": OutOfOrder,
    "KeyError": KeyError,
    "RuntimeError": RuntimeError,
    "TimeoutError": TimeoutError,
    "TypeError": TypeError,
}


@serve.deployment(name="Bench", ray_actor_options=SMALL)
@serve.ingress(api)
class Workbench(Versioned):
    """Routes on methods; each trial is a method as well."""

    version = "2"

    def __init__(self, apparatus: DeploymentHandle) -> None:
        self.apparatus = apparatus
        self.stream = apparatus.options(stream=True)

    @api.get("/trials/{name}")
    async def trial(self, name: str) -> dict[str, Any]:
        """Make a trial, and tell what has come of it."""
        try:
            return {"result": await getattr(self, name)()}
        except Exception as error:  # noqa: BLE001 - to tell them is what this is for
            kinds = [name for name, kind in KINDS.items() if isinstance(error, kind)]
            return {"error": kinds, "text": str(error)}

    @api.get("/unhandled")
    async def unhandled(self) -> None:
        """Let an error of another deployment pass."""
        await self.apparatus.break_down.remote()

    @api.get("/broken")
    async def broken(self) -> StreamingResponse:
        """Send a stream that breaks off."""

        async def lines() -> AsyncIterator[str]:
            yield "begun\n"
            await self.apparatus.break_down.remote()

        return StreamingResponse(lines(), media_type="text/plain")

    def twice(self, text: str) -> str:
        """Be no route, but a method for handles."""
        return text * 2

    async def keyword_arguments(self) -> Any:
        return await self.apparatus.double.remote(number=1, times=3)

    async def response_as_argument(self) -> Any:
        first = self.apparatus.double.remote(1)
        return await self.apparatus.double.remote(first, times=self.apparatus.double.remote(1))

    async def response_awaited_twice(self) -> Any:
        response = self.apparatus.double.remote(1)
        return [await response, await response]

    async def failed_response_as_argument(self) -> Any:
        return await self.apparatus.double.remote(self.apparatus.look_up.remote("unknown"))

    async def response_in_a_list(self) -> Any:
        return await self.apparatus.echo.remote([self.apparatus.double.remote(1)])

    async def stream_as_argument(self) -> Any:
        return await self.apparatus.echo.remote(self.stream.count.remote(2))

    async def plain_generator(self) -> Any:
        return [number async for number in self.stream.count.remote(3)]

    async def async_generator(self) -> Any:
        return [number async for number in self.stream.count_async.remote(3)]

    async def generator_without_stream(self) -> Any:
        return await self.apparatus.count.remote(3)

    async def stream_without_generator(self) -> Any:
        return [number async for number in self.stream.double.remote(3)]

    async def stream_without_async_generator(self) -> Any:
        return [number async for number in self.stream.echo.remote(3)]

    async def stream_awaited(self) -> Any:
        return await self.stream.count.remote(3)

    async def stream_in_plain_code(self) -> Any:
        def total() -> int:
            return sum(self.stream.count.remote(4))

        return await asyncio.to_thread(total)

    async def stream_in_plain_code_on_the_loop(self) -> Any:
        return list(self.stream.count.remote(3))

    async def stream_cancelled(self) -> Any:
        numbers, seen = self.stream.forever.remote(), []
        async for number in numbers:
            seen.append(number)
            numbers.cancel()
        return seen

    async def result_in_plain_code(self) -> Any:
        return await asyncio.to_thread(lambda: self.apparatus.double.remote(4).result(timeout_s=30))

    async def result_on_the_loop(self) -> Any:
        return self.apparatus.double.remote(1).result()

    async def unknown_method(self) -> Any:
        return await self.apparatus.triple.remote(1)

    async def unknown_option(self) -> Any:
        return self.apparatus.options(colour="red")  # type: ignore[call-overload]  # on purpose

    async def unknown_deployment(self) -> Any:
        return await serve.get_deployment_handle("Nobody").remote()

    async def unknown_application(self) -> Any:
        return await serve.get_app_handle("nobody").remote()

    async def missing_argument(self) -> Any:
        return await self.apparatus.double.remote()

    async def builtin_error(self) -> Any:
        return await self.apparatus.look_up.remote("unknown")

    async def error_of_our_own(self) -> Any:
        return await self.apparatus.break_down.remote()

    async def traceback_of_the_callee(self) -> Any:
        try:
            await self.apparatus.break_down.remote()
        except OutOfOrder as error:
            text = str(error)
            return ["lamp is out of order" in text, 'OutOfOrder("lamp", code=7)' in text]

    async def cause(self) -> Any:
        try:
            await self.apparatus.look_up.remote("unknown")
        except KeyError as error:
            cause = error.cause  # type: ignore[attr-defined]  # Ray Serve's
            return [type(cause).__name__, cause.args]

    async def attributes_of_an_error_of_our_own(self) -> Any:
        try:
            await self.apparatus.break_down.remote()
        except OutOfOrder as error:
            return [error.part, error.code]

    async def time_limit(self) -> Any:
        numbers = self.stream.forever.remote()
        await anext(numbers)
        return await asyncio.wait_for(anext(numbers), 0.3)

    async def ingress_by_handle(self) -> Any:
        return await serve.get_app_handle("workbench").twice.remote("ab")

    async def model_as_argument(self) -> Any:
        return await self.apparatus.measure.remote(Sample(3))

    async def model_as_result(self) -> Any:
        report = await self.apparatus.report.remote([1, 2])
        sizes = [sample.size for sample in report.samples]
        return [type(report).__name__, sizes, report.samples[0].colour is Colour.RED]

    async def models_as_items(self) -> Any:
        return [sample.size async for sample in self.stream.samples.remote([1, 2])]

    async def names(self) -> Any:
        handle = serve.get_deployment_handle("Apparatus", app_name="workbench")
        return [repr(handle), handle.deployment_name, handle.app_name]

    async def where(self) -> Any:
        context = serve.get_replica_context()
        return [context.app_name, context.deployment, context.servable_object is self]

    async def values(self) -> Any:
        """Send values there and back; name those that came back as others."""
        sent: list[Any] = [
            *(None, True, 1, 2**70, 1.5, math.inf, "text", b"\x00\xff", 1 + 2j),
            *((1, 2), {1, 2}, frozenset({3}), [1, [2]], {"a": {1: "b"}}, {(1, 2): None}),
            *(datetime(2026, 1, 2, tzinfo=UTC), date(2026, 1, 2), timedelta(seconds=1.5)),
            *(Decimal("1.10"), UUID(int=5), {"$bytes": "AA=="}),
        ]
        values, named = await self.apparatus.echo.remote(
            *sent, array=np.eye(2), number=np.float32(2)
        )
        same = zip(sent, values, strict=True)
        others = [repr(one) for one, other in same if (one, type(one)) != (other, type(other))]
        return [others, named["array"].tolist(), named["array"].dtype.str, float(named["number"])]


app = Workbench.bind(Apparatus.bind())

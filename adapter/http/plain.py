"""HTTP for deployments without a framework: `__call__(request)` returns a value or a response."""

import contextlib
import dataclasses
import inspect
import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from adapter import generators, user_code
from adapter.http.lifespan import ASGIApp
from adapter.http.unawaited import refuse


def plain_application(callee: Callable[..., Any]) -> ASGIApp:
    """Make an ASGI application of a deployment's `__call__`, or of a deployment function.

    It gets a `starlette.requests.Request`, or nothing where it has no parameters. A Starlette
    response is sent as it is, text and bytes as text/plain, anything else as JSON. The items of a
    generator, plain or async, are sent as they come: as text/plain where the first is text or
    bytes, else as lines of JSON (application/x-ndjson).
    """
    takes_request = bool(inspect.signature(callee).parameters)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"a plain deployment does not serve {scope['type']!r}")
        request = (Request(scope, receive),) if takes_request else ()
        result = await _result(callee, request)
        if isinstance(result, (AsyncGenerator, Generator)):
            await _stream(generators.as_async(result), scope, receive, send)
        else:
            await to_response(result)(scope, receive, send)

    return application


async def _result(callee: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    function = callee if inspect.isroutine(callee) else type(callee).__call__
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return callee(*args)  # none of its code runs yet
    return await user_code.call(callee, *args)


async def _stream(items: AsyncGenerator[Any, None], scope: Any, receive: Any, send: Any) -> None:
    """Send items as they come. An error in the first is raised before the response begins."""
    async with contextlib.aclosing(items):
        first = await anext(items, b"")
        encode, content_type = _encoding(first)
        begun = encode(first)

        async def pieces() -> AsyncIterator[bytes]:
            yield begun
            async for item in items:
                yield encode(item)

        response = StreamingResponse(pieces(), headers={"content-type": content_type})
        await response(scope, receive, send)


def _encoding(first: Any) -> tuple[Callable[[Any], bytes], str]:
    """Return how the items of a stream are written, by the first, and the content type."""
    if isinstance(first, bytes):
        return _as_text, "text/plain"  # its charset is unknown
    if isinstance(first, str):
        return _as_text, "text/plain; charset=utf-8"
    return _as_line, "application/x-ndjson"


def _as_text(item: Any) -> bytes:
    if isinstance(item, str):
        return item.encode()
    return item if isinstance(item, bytes) else _as_line(item)


def _as_line(item: Any) -> bytes:
    return _json(item) + b"\n"


def to_response(result: Any) -> Response:
    """Turn what a deployment returned into a response, as Ray Serve does.

    Raises TypeError for a value that is not JSON-able, and `NotAwaited` for the result of a handle
    call that is not there yet.
    """
    if isinstance(result, Response):
        return result
    refuse(result)
    if result is None or isinstance(result, bytes):
        return Response(result, headers={"content-type": "text/plain"})  # its charset is unknown
    if isinstance(result, str):
        return Response(result, media_type="text/plain")
    return Response(_json(result), media_type="application/json")


def _json(value: Any) -> bytes:
    try:
        text = _dumps(value)
    except TypeError:  # a type that is rare, or a key that is no text
        text = _dumps(_as_fastapi_has_it(value))
    return text.encode()


def _dumps(value: Any) -> str:
    return json.dumps(value, default=_jsonable, ensure_ascii=False, separators=(",", ":"))


def _jsonable(value: Any) -> Any:
    refuse(value)
    for kind, encode in _ENCODERS:
        if isinstance(value, kind):
            return encode(value)
    if hasattr(type(value), "model_dump"):
        return value.model_dump(mode="json", by_alias=True)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if type(value).__module__ == "numpy":
        return value.tolist()
    raise TypeError


def _number(value: Decimal) -> float:
    exponent = value.as_tuple().exponent
    return int(value) if isinstance(exponent, int) and exponent >= 0 else float(value)


# As FastAPI's jsonable_encoder writes them, which takes long to load.
_ENCODERS: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    (Enum, lambda value: value.value),
    ((date, time), lambda value: value.isoformat()),
    (timedelta, timedelta.total_seconds),
    (Decimal, _number),
    ((set, frozenset), list),
    (bytes, bytes.decode),
    ((UUID, PurePath, Exception), str),
)


def _as_fastapi_has_it(value: Any) -> Any:
    from fastapi.encoders import jsonable_encoder  # noqa: PLC0415 - rarely needed

    try:
        return jsonable_encoder(value, custom_encoder=dict(_custom_encoders()))
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"a deployment returned a {type(value).__name__} that is not JSON-able; return plain "
            "values or a starlette.responses.Response.",
        ) from error


def _custom_encoders() -> Iterator[tuple[type, Callable[[Any], Any]]]:
    """Yield how Ray Serve writes what FastAPI does not know."""
    yield Exception, str
    if (numpy := sys.modules.get("numpy")) is not None:
        yield numpy.ndarray, numpy.ndarray.tolist
        yield numpy.generic, numpy.generic.item
    if (pandas := sys.modules.get("pandas")) is not None:
        yield pandas.DataFrame, lambda frame: frame.to_dict(orient="records")

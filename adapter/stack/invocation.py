"""Calls of a deployed function, or of one that `adapter run` serves."""

import base64
import contextlib
import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from adapter.calls.error_object import exception, function_error
from adapter.errors import RemoteError, StackError
from adapter.stack.refusals import aws_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """A function to call: `qualifier` is its alias, `deployment` what errors are told by."""

    client: Any
    function: str
    deployment: str
    qualifier: str | None = None

    def _arguments(self, event: Any) -> dict[str, Any]:
        qualifier = {"Qualifier": self.qualifier} if self.qualifier else {}
        return {"FunctionName": self.function, "Payload": json.dumps(event).encode(), **qualifier}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a function returned; `log` is the end of its log, 4 KB at most, "" where not asked."""

    payload: bytes
    error: RemoteError | None
    log: str


def call_event(method: str | None, data: Any, *, stream: bool) -> dict[str, Any]:
    """Make the event of a call: a list is the arguments, an object the named ones.

    Any other value is the one argument; None is none at all.
    """
    event: dict[str, Any] = {"method": method or "__call__"}
    match data:
        case None:
            pass
        case list():
            event["args"] = data
        case dict():
            event["kwargs"] = data
        case _:
            event["args"] = [data]
    return {**event, "context": {"stream": True}} if stream else event


def invoke(called: Called, event: Any, *, with_log: bool = False) -> Result:
    """Invoke once, and wait for the result."""
    with aws_errors():
        answer = called.client.invoke(
            **called._arguments(event),  # noqa: SLF001 - the same module
            LogType="Tail" if with_log else "None",
        )
        payload = answer["Payload"].read()
    failed = "FunctionError" in answer
    return Result(
        payload=payload,
        error=function_error(called.deployment, payload) if failed else None,
        log=_log(answer.get("LogResult")),
    )


def _log(encoded: str | None) -> str:
    return base64.b64decode(encoded).decode(errors="replace") if encoded else ""


def send(called: Called, event: Any) -> str:
    """Leave the event with Lambda's queue, and return the id of the request."""
    with aws_errors():
        answer = called.client.invoke(**called._arguments(event), InvocationType="Event")  # noqa: SLF001 - see invoke
    return str(answer["ResponseMetadata"].get("RequestId", ""))


def stream(called: Called, event: Any) -> Generator[bytes]:
    """Yield the bytes of a streamed answer as they come.

    Raises `RemoteError` where the function fails, and `StackError` where the stream breaks off.
    """
    with aws_errors():
        answer = called.client.invoke_with_response_stream(**called._arguments(event))  # noqa: SLF001 - see invoke
        with contextlib.closing(answer["EventStream"]) as parts:
            for part in parts:
                if "PayloadChunk" in part:
                    yield part["PayloadChunk"]["Payload"]
                elif code := part.get("InvokeComplete", {}).get("ErrorCode"):
                    raise _broken(called, code, part["InvokeComplete"].get("ErrorDetails", ""))


def _broken(called: Called, code: str, details: str) -> RemoteError | StackError:
    try:
        told = json.loads(details)
    except ValueError:
        told = None
    if isinstance(told, dict):
        return exception(called.deployment, told)
    return StackError(f"{called.deployment}: {code}: {details}")


def items(called: Called, event: Any) -> Iterator[bytes]:
    """Yield the items of a streamed call, each as the JSON that it travels as.

    Raises `RemoteError` where the callee fails, and `StackError` where the stream breaks off.
    """
    rest = b""
    with contextlib.closing(stream(called, event)) as pieces:
        for piece in pieces:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                frame = _frame(line)
                if frame == {"end": True}:
                    return
                yield _item(called, frame)
    raise StackError(
        f"{called.deployment}: the stream broke off. {rest.decode(errors='replace')}".rstrip(),
    )


def _item(called: Called, frame: dict[str, Any]) -> bytes:
    if isinstance(told := frame.get("error"), dict):
        raise exception(called.deployment, told)
    return json.dumps(frame.get("item"), ensure_ascii=False).encode()


def _frame(line: bytes) -> dict[str, Any]:
    try:
        frame = json.loads(line)
    except ValueError:
        frame = None
    if not isinstance(frame, dict):
        raise StackError(f"the answer is no stream of items: {line[:100]!r}. Leave --stream out.")
    return frame

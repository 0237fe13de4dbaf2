"""The messages of a queue that arrive together: each fails or succeeds by itself.

Lambda deletes from the queue what is not among the failures of the answer.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from adapter import user_code
from adapter.responder import Responder

logger = logging.getLogger("adapter.serve")

_Record = dict[str, Any]


async def serve_records(
    records: Sequence[_Record],
    method: Callable[..., Any],
    at_once: int,
    responder: Responder,
) -> None:
    """Call `method` with each record, and answer with those that are to be sent again.

    Those are the records whose call fails, which is logged. Of a FIFO queue the records of a group
    follow one another, and end with the first failure: it comes back before what is behind it.
    Where the batch is cancelled, all that is not done by then is to be sent again.
    """
    left = dict.fromkeys(range(len(records)))
    places = asyncio.Semaphore(at_once)

    async def serve(group: Sequence[int]) -> None:
        for number in group:
            async with places:
                if not await _succeeds(method, records[number]):
                    return
            del left[number]

    try:
        async with asyncio.TaskGroup() as tasks:
            for group in _groups(records):
                tasks.create_task(serve(group))
    finally:
        failures = [{"itemIdentifier": records[number].get("messageId", "")} for number in left]
        await responder.respond({"batchItemFailures": failures})


def _groups(records: Sequence[_Record]) -> list[list[int]]:
    """Return which records follow one another; those of a standard queue stand alone."""
    groups: dict[object, list[int]] = {}
    for number, record in enumerate(records):
        is_fifo = str(record.get("eventSourceARN")).endswith(".fifo")
        attributes = record.get("attributes") or {}
        key = ("group", attributes.get("MessageGroupId")) if is_fifo else ("record", number)
        groups.setdefault(key, []).append(number)
    return list(groups.values())


async def _succeeds(method: Callable[..., Any], record: _Record) -> bool:
    try:
        await user_code.call(method, record)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        failed: BaseException | None = RuntimeError("the method waited for what it had cancelled")
    except Exception as error:  # noqa: BLE001 - whatever the user's code raises
        failed = error
    else:
        return True
    logger.error("the message %s failed", record.get("messageId"), exc_info=failed)
    return False

"""What our loop posts to the Runtime API for a request whose front takes a stream."""

import asyncio
from typing import Any

from adapter.function import Function
from adapter.servable import ApplicationServable
from adapter.settings import HttpSettings
from tests import events
from tests.runtime.scripted import serving


def posted(app: Any, event: events.Event | bytes | None = None, **settings: Any) -> bytes:
    """Return the body of the answer as it was sent, chunks and trailers and all.

    The function streams to function URLs, which is where the event comes from by default. The loop
    has asked for another invocation when this returns.
    """
    streaming = HttpSettings(streams=frozenset({"url"}), **settings)

    async def scenario() -> bytes:
        function = Function(ApplicationServable(app, streaming), asyncio.get_running_loop())
        await function.start()
        async with serving(function) as (api, _):
            (await api.poll()).give(event or events.function_url())
            post = await api.post()
            await api.poll()
        await function.stop()
        return post.received

    return asyncio.run(scenario())

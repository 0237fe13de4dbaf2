"""Waiting for what an exchange tells by a call."""

import asyncio

from adapter.local.exchange import Exchange


async def ended(exchange: Exchange) -> None:
    """Wait until an exchange has ended."""
    told = asyncio.Event()
    exchange.on_end(told.set)
    await told.wait()

"""A gateway and a model, for what passes between a client and both of them."""

import asyncio

from fastapi import FastAPI, WebSocket

from adapter import serve
from adapter.serve import context
from adapter.serve.exceptions import BackPressureError

api = FastAPI()


@serve.deployment
class Model:
    """What the gateway calls."""

    def request_id(self) -> str:
        """Return the id that its caller has passed on."""
        return context.served().request_id

    def refuse(self) -> None:
        """Say that too many wait."""
        raise BackPressureError(2, 1, 429, 1.5)


@serve.deployment
@serve.ingress(api)
class Gateway:
    """What HTTP reaches."""

    def __init__(self, model: serve.DeploymentHandle) -> None:
        self.model = model

    @api.get("/")
    async def request_ids(self) -> list[str]:
        """Return the id here and there."""
        return [context.served().request_id, await self.model.request_id.remote()]

    @api.get("/busy")
    async def busy(self) -> None:
        """Let the model refuse."""
        await self.model.refuse.remote()

    @api.get("/slow")
    async def slow(self) -> None:
        """Never answer."""
        await asyncio.Event().wait()

    @api.websocket("/socket")
    async def socket(self, socket: WebSocket) -> None:
        """Answer each message with the id of its invocation, here and there."""
        await socket.accept()
        await socket.send_text("hello")
        async for _ in socket.iter_text():
            await socket.send_json([context.served().request_id, *(await self.request_ids())[1:]])


app = Gateway.bind(Model.bind())

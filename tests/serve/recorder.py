"""A transport that keeps what handles send and answers when the test says so."""

from concurrent.futures import Future
from typing import Any

from adapter.serve.channel import Channel
from adapter.serve.transport import Call


class Recorder:
    """Knows one application, "default", with the deployments Gateway (its ingress) and Model."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.futures: list[Future[Any]] = []
        self.settled = 0
        self.channels: list[Channel[Any]] = []

    def send(self, call: Call) -> Future[Any]:
        """Keep the call; its future is the last of `futures`."""
        self.calls.append(call)
        self.futures.append(Future())
        return self.futures[-1]

    def stream(self, call: Call, items: Channel[Any]) -> Future[None]:
        """Keep the call; its future is the last of `futures`, its items the last of `channels`."""
        self.channels.append(items)
        return self.send(call)

    async def settle(self) -> None:
        """Count that it was asked to."""
        self.settled += 1

    def ingress(self, application: str) -> str:
        """Return the ingress."""
        return {"default": "Gateway"}[application]

    def check(self, deployment: str, application: str) -> None:
        """Know two deployments."""
        if (deployment, application) not in {("Gateway", "default"), ("Model", "default")}:
            raise KeyError(deployment)

"""A FastAPI application whose answer is another deployment's."""

from fastapi import FastAPI

from adapter import serve
from adapter.function import entry_point
from adapter.serve import DeploymentHandle

app = FastAPI()


@serve.deployment
@serve.ingress(app)
class Caller:
    def __init__(self, greeter: DeploymentHandle) -> None:
        self.greeter = greeter

    @app.get("/greet/{name}")
    async def greet(self, name: str) -> str:
        greeting: str = await self.greeter.greet.remote(name)
        return greeting


handler = entry_point(Caller, DeploymentHandle("Greeter"))

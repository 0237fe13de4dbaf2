"""Gateway and Sentiment share a function, Ner and Summary another; Report has one of its own."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI

from adapter import serve

api = FastAPI()
front = serve.LambdaOptions(function="front")
models = serve.LambdaOptions(function="models")


class Cancelled(Exception):
    """Of the program's own."""


@serve.deployment(lambda_options=front)
class Sentiment:
    async def __call__(self, text: str) -> dict[str, Any]:
        return {"good": "good" in text, **here()}

    def plain(self, depth: int) -> int:
        return threading.get_ident() if depth else 0

    def fail(self) -> None:
        raise Cancelled("not today")

    async def words(self, text: str) -> AsyncIterator[str]:
        for word in text.split():
            yield word


@serve.deployment(lambda_options=models)
class Ner:
    def __call__(self, text: str) -> dict[str, Any]:
        return {"names": [word for word in text.split() if word.istitle()], **here()}


@serve.deployment(lambda_options=models)
class Summary:
    def __init__(self, ner: Any) -> None:
        self.ner = ner

    async def __call__(self, text: str) -> dict[str, Any]:
        return {"found": await self.ner.remote(text), **here()}


@serve.deployment
class Report:
    async def __call__(self, text: str) -> Any:
        back = serve.get_deployment_handle("Sentiment")
        return {"back": await back.remote(text), **here()}


def here() -> dict[str, Any]:
    return {"who": serve.get_replica_context().deployment, "process": os.getpid()}


@serve.deployment(lambda_options=front)
@serve.ingress(api)
class Gateway:
    def __init__(self, sentiment: Any, summary: Any, report: Any) -> None:
        self.sentiment, self.summary, self.report = sentiment, summary, report

    @api.get("/")
    async def read(self, text: str) -> dict[str, Any]:
        calls = [one.remote(text) for one in (self.sentiment, self.summary, self.report)]
        sentiment, summary, report = await asyncio.gather(*calls)
        return {"sentiment": sentiment, "summary": summary, "report": report, **here()}

    @api.get("/fail")
    async def fail(self) -> str:
        try:
            await self.sentiment.fail.remote()
        except Cancelled as error:
            return f"{type(error).__name__}: {error.args[0]}"
        return "nothing was raised"

    @api.get("/words")
    async def words(self, text: str) -> list[str]:
        return [word async for word in self.sentiment.options(stream=True).words.remote(text)]

    @api.get("/plain")
    def plain(self) -> bool:
        found: int = self.sentiment.plain.remote(1).result(timeout_s=60)
        return found > 0


report = Report.bind()
app = Gateway.bind(Sentiment.bind(), Summary.bind(Ner.bind()), report)

"""A text service: a FastAPI gateway in front of two model deployments."""

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field
from text_models import Keywords, Sentiment, sentences_about

from adapter import serve

api = FastAPI(title="Text service")


class Text(BaseModel):
    """What a client sends."""

    text: str = Field(min_length=1, max_length=20_000, examples=["What a wonderful day"])


class Analysis(BaseModel):
    """What a client gets."""

    label: str
    score: float
    keywords: list[str]


@serve.deployment(lambda_options=serve.LambdaOptions(api="public-http", url="stream"))
@serve.ingress(api)
class Gateway:
    """Asks both models at once and puts their answers together."""

    def __init__(self, sentiment: serve.DeploymentHandle, keywords: serve.DeploymentHandle) -> None:
        self.sentiment = sentiment
        self.keywords = keywords

    @api.get("/")
    def about(self) -> dict[str, str]:
        """Say what this is."""
        return {"service": "text", "try": "POST /analyze"}

    @api.post("/analyze")
    async def analyze(self, body: Text) -> Analysis:
        """Tell how a text feels and what it is about."""
        scores, keywords = self.sentiment.remote(body.text), self.keywords.extract.remote(body.text)
        compound = (await scores)["compound"]
        return Analysis(label=label(compound), score=compound, keywords=await keywords)

    @api.post("/summarize", response_class=PlainTextResponse)
    async def summarize(self, body: Text) -> StreamingResponse:
        """Send the sentences that say most, one a line, each as soon as it is found."""
        keywords = await self.keywords.extract.remote(body.text)
        return StreamingResponse(lines(body.text, keywords), media_type="text/plain")

    @api.get("/sentiment")
    async def sentiment_of(self, text: str) -> dict[str, float]:
        """Tell how a text feels, in VADER's own figures."""
        scores: dict[str, float] = await self.sentiment.remote(text)
        return scores


def lines(text: str, keywords: list[str]) -> Iterator[str]:
    """Yield the sentences of a text that hold one of its first keywords, as lines."""
    for sentence in sentences_about(text, keywords[:2]):
        yield f"{sentence}\n"


def label(compound: float) -> str:
    """Name a compound score, with the thresholds that VADER's authors recommend."""
    if compound >= 0.05:
        return "positive"
    return "negative" if compound <= -0.05 else "neutral"


app = Gateway.bind(Sentiment.bind(), Keywords.bind(most=5))

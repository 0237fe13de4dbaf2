"""A document service: it keeps documents, classifies, embeds, ranks and summarizes them.

A program for Ray Serve, of two applications: `build` makes the library, `statistics` answers with
plain values. On Ray its imports begin with `from ray` instead of `from adapter`; nothing else
differs.
"""

import asyncio
import dataclasses
import hashlib
import json
import logging
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field

from adapter import serve
from adapter.serve.exceptions import RayServeException, RequestCancelledError
from adapter.serve.handle import DeploymentHandle
from adapter.serve.metrics import Counter

logger = logging.getLogger("ray.serve")

SMALL = {"num_cpus": 0.1}  # so that all of them fit on a laptop


class Document(BaseModel):
    """What clients send and get."""

    name: str = Field(pattern=r"^[a-z0-9-]+$", max_length=40)
    text: str = Field(min_length=1)
    labels: set[str] = set()
    created: datetime = Field(default_factory=lambda: datetime.now(UTC))


@dataclasses.dataclass
class Passage:
    """A sentence of a document, with what speaks for it."""

    sentence: str
    score: float


class DocumentNotFound(Exception):
    """The library has no document of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no document {name!r}")
        self.name = name


def sentences_of(text: str) -> list[str]:
    """Split a text after full stops, question and exclamation marks."""
    return [part for part in re.split(r"(?<=[.!?])\s+", text.strip()) if part]


async def appearance(path: Path) -> None:
    """Wait until there is a file."""
    while not path.exists():  # noqa: ASYNC110, ASYNC240 - a file sets no event, and is near
        await asyncio.sleep(0.02)


@serve.deployment(ray_actor_options=SMALL)
def normalize(text: str) -> str:
    """Return a text in lower case, with single spaces."""
    return " ".join(text.lower().split())


@serve.deployment(num_replicas=1, max_ongoing_requests=10, ray_actor_options=SMALL)
class Store:
    """Documents by name, in memory: there is one replica, and it holds all of them."""

    async def __init__(self, initial: list[Document]) -> None:  # type: ignore[misc]  # Serve awaits
        await asyncio.sleep(0)  # where another service would open its database
        self.documents = {document.name: document for document in initial}
        self.attachments: dict[str, bytes] = {}

    def add(self, document: Document) -> int:
        """Keep a document and return how many there are."""
        if document.name in self.documents:
            raise FileExistsError(f"{document.name} is there already")
        self.documents[document.name] = document
        return len(self.documents)

    async def get(self, name: str) -> Document:
        """Return a document."""
        if name not in self.documents:
            raise DocumentNotFound(name)
        return self.documents[name]

    def remove(self, name: str) -> None:
        """Forget a document."""
        if self.documents.pop(name, None) is None:
            raise DocumentNotFound(name)

    def names(self) -> tuple[str, ...]:
        """Return the names of all documents."""
        return tuple(self.documents)

    def attach(self, name: str, content: bytes, at: datetime) -> dict[str, Any]:
        """Keep bytes beside a document."""
        self.attachments[name] = content
        return {"digest": hashlib.sha256(content).digest(), "at": at}

    def attachment(self, name: str) -> bytes:
        """Return the bytes beside a document."""
        return self.attachments[name]


@serve.deployment(ray_actor_options=SMALL)
class Embedder:
    """Turns texts into vectors, several at once."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self.batches: list[int] = []

    @serve.batch(max_batch_size=4, batch_wait_timeout_s=0.05)
    async def embed(self, texts: list[str]) -> list[np.ndarray[Any, Any]]:
        """Count the words of each text in as many places as there are dimensions."""
        self.batches.append(len(texts))
        return [self._vector(text) for text in texts]

    @serve.batch(max_batch_size=3, batch_wait_timeout_s=0.05)
    async def spell(self, words: list[str]) -> AsyncIterator[list[str]]:
        """Yield the letters of words that are equally long, one of each word at a time."""
        for letters in zip(*words, strict=True):
            yield list(letters)

    async def embed_all(self, texts: list[str]) -> np.ndarray[Any, Any]:
        """Embed texts together."""
        return np.stack(await asyncio.gather(*(self.embed(text) for text in texts)))

    async def spell_all(self, words: list[str]) -> list[str]:
        """Spell words together."""

        async def spelled(word: str) -> str:
            return "-".join([letter async for letter in self.spell(word)])

        return await asyncio.gather(*(spelled(word) for word in words))

    def batch_sizes(self) -> list[int]:
        """Return how many texts the batches so far have held."""
        return self.batches

    def _vector(self, text: str) -> np.ndarray[Any, Any]:
        vector = np.zeros(self.dimensions, dtype=np.float32)
        for word in text.split():
            vector[hashlib.sha256(word.encode()).digest()[0] % self.dimensions] += 1
        return vector


class TopicModel:
    """Knows the words of one topic."""

    def __init__(self, topic: str, unloaded: list[str]) -> None:
        words = {"space": "moon rocket orbit", "food": "bread soup salt", "music": "song choir"}
        self.topic, self.words, self.unloaded = topic, set(words[topic].split()), unloaded

    def share(self, text: str) -> float:
        """Return the share of the topic's words in a text."""
        found = re.findall(r"\w+", text.lower())
        return sum(word in self.words for word in found) / max(len(found), 1)

    def __del__(self) -> None:
        if self.words:  # Ray Serve calls it, and Python does once more
            self.words.clear()
            self.unloaded.append(self.topic)


@serve.deployment(
    user_config={"threshold": 0.9},
    health_check_period_s=0.5,
    health_check_timeout_s=10,
    ray_actor_options=SMALL,
)
class Classifier:
    """Tells whether a text is about a topic. There are many topics, so two models are kept."""

    def __init__(self) -> None:
        self.instance = uuid.uuid4().hex
        self.loaded: list[str] = []
        self.unloaded: list[str] = []
        self.threshold = 1.0
        self.healthy = True
        self.requests = Counter("classified_texts", "Texts classified.", tag_keys=("topic",))

    def reconfigure(self, config: dict[str, float]) -> None:
        """Take the threshold from the config file."""
        self.threshold = config["threshold"]

    def check_health(self) -> None:
        """Fail when the model is broken."""
        if not self.healthy:
            raise RuntimeError("the model is broken")

    @serve.multiplexed(max_num_models_per_replica=2)
    async def model(self, model_id: str) -> TopicModel:
        """Load the model of a topic."""
        self.loaded.append(model_id)
        return TopicModel(model_id, self.unloaded)

    async def __call__(self, text: str) -> dict[str, Any]:
        """Classify a text with the model that the caller asks for."""
        topic = serve.get_multiplexed_model_id() or "space"
        model = await self.model(topic)
        self.requests.inc(tags={"topic": topic})
        share = model.share(text)
        return {"topic": topic, "share": share, "about": share >= self.threshold}

    def history(self) -> dict[str, list[str]]:
        """Return which models have come and gone."""
        return {"loaded": self.loaded, "unloaded": self.unloaded}

    def break_down(self) -> str:
        """Break the model, so that the replica is replaced."""
        self.healthy = False
        return self.instance

    def which(self) -> str:
        """Return which replica this is."""
        return self.instance


@serve.deployment(ray_actor_options=SMALL)
class Scorer:
    """Scores sentences by one property."""

    def __init__(self, by: str) -> None:
        self.by = by

    async def score(self, sentence: str) -> float:
        """Score a sentence."""
        return float(len(sentence) if self.by == "length" else len(sentence.split()))


@serve.deployment(ray_actor_options=SMALL)
class Ranking:
    """Orders the sentences of a text by several scorers, which all work at once."""

    def __init__(self, scorers: Mapping[str, DeploymentHandle], weights: list[float]) -> None:
        self.scorers, self.weights = scorers, weights

    async def rank(self, text: str, most: int = 3) -> list[Passage]:
        """Return the best sentences, best first."""
        passages = await asyncio.gather(*(self._passage(one) for one in sentences_of(text)))
        return sorted(passages, key=lambda passage: passage.score, reverse=True)[:most]

    async def _passage(self, sentence: str) -> Passage:
        scores = [scorer.score.remote(sentence) for scorer in self.scorers.values()]
        pairs = zip(self.weights, scores, strict=True)
        return Passage(sentence, sum([weight * await score for weight, score in pairs]))


@serve.deployment(ray_actor_options=SMALL)
class Summarizer:
    """Says what a document is about, sentence by sentence."""

    def __init__(self, store: DeploymentHandle, ranking: DeploymentHandle, folder: str) -> None:
        self.store, self.ranking, self.folder = store, ranking, Path(folder)

    async def summarize(self, name: str) -> AsyncIterator[str]:
        """Yield the sentences of a document, best first."""
        document = await self.store.get.remote(name)
        for passage in await self.ranking.rank.remote(document.text, most=10):
            yield passage.sentence

    def words(self, text: str, fail_after: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield the words of a text with their places."""
        for place, word in enumerate(text.split()):
            if place == fail_after:
                raise LookupError(f"word {place} is missing")
            yield {"place": place, "word": word}

    async def follow(self, mark: str) -> AsyncIterator[str]:
        """Yield a line, and another one when there is a file `mark`; never end by itself."""
        try:
            yield "begun\n"
            await appearance(self.folder / mark)
            yield "marked\n"
            await asyncio.Event().wait()
        finally:
            (self.folder / f"{mark}.ended").touch()

    async def meet(self, mine: str, other: str) -> str:
        """Wait for another call of this method, which waits for this one."""
        (self.folder / mine).touch()
        await appearance(self.folder / other)
        return mine

    async def wait(self, mark: str) -> str:
        """Wait for a file `mark`; say so where that is cancelled."""
        (self.folder / f"{mark}.begun").touch()
        try:
            await appearance(self.folder / mark)
        except asyncio.CancelledError:
            (self.folder / f"{mark}.cancelled").touch()
            raise
        return mark


@serve.deployment(
    num_replicas=1,
    max_ongoing_requests=1,
    max_queued_requests=1,
    ray_actor_options=SMALL,
)
class Printer:
    """Prints one document at a time, and refuses where too many wait."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    async def print(self, mark: str) -> str:
        """Print until there is a file `mark`."""
        (self.folder / f"{mark}.begun").touch()
        await appearance(self.folder / mark)
        return "printed"


@dataclasses.dataclass
class Backends:
    """What the routes of the library call."""

    store: DeploymentHandle
    normalizer: DeploymentHandle
    embedder: DeploymentHandle
    classifier: DeploymentHandle
    ranking: DeploymentHandle
    summarizer: DeploymentHandle
    printer: DeploymentHandle


def backends() -> Backends:
    """Return the handles of the gateway that serves this request."""
    found: Backends = serve.get_replica_context().servable_object.backends
    return found


Calls = Annotated[Backends, Depends(backends)]
documents = APIRouter(prefix="/documents", tags=["documents"])
models = APIRouter(tags=["models"])


@models.get("/")
async def root(request: Request) -> str:
    """Say where the documents are."""
    return str(request.url_for("list_documents"))


@documents.post("", status_code=201)
async def add_document(document: Document, request: Request, response: Response, to: Calls) -> int:
    """Keep a document."""
    response.headers["location"] = str(request.url_for("get_document", name=document.name))
    try:
        count: int = await to.store.add.remote(document)
    except FileExistsError as error:
        raise HTTPException(409, "exists", headers={"x-name": document.name}) from error
    return count


@documents.get("")
async def list_documents(to: Calls) -> list[str]:
    """List the names of all documents."""
    return sorted(await to.store.names.remote())


@documents.get("/{name}")
async def get_document(name: str, to: Calls) -> Document:
    """Return a document."""
    document: Document = await to.store.get.remote(name)
    return document


@documents.delete("/{name}", status_code=204)
def remove_document(name: str, to: Calls) -> None:
    """Forget a document."""
    to.store.remove.remote(name).result(timeout_s=30)


@documents.put("/{name}/attachment")
async def attach(name: str, request: Request, to: Calls) -> dict[str, str]:
    """Keep bytes beside a document."""
    kept = await to.store.attach.remote(
        name, await request.body(), at=datetime(2026, 1, 2, tzinfo=UTC)
    )
    return {"sha256": kept["digest"].hex(), "weekday": kept["at"].strftime("%A")}


@documents.get("/{name}/attachment")
async def attachment(name: str, to: Calls) -> Response:
    """Return the bytes beside a document."""
    try:
        content = await to.store.attachment.remote(name)
    except KeyError:
        return PlainTextResponse("nothing attached", status_code=404)
    return Response(content, media_type="application/octet-stream")


@documents.get("/{name}/analysis")
async def analysis(name: str, to: Calls) -> dict[str, Any]:
    """Ask several models at once what they make of a document."""
    document = await to.store.get.remote(name)
    normalized = to.normalizer.remote(document.text)
    vector = to.embedder.embed.remote(normalized)
    ranked = to.ranking.rank.remote(document.text, most=1)
    about = to.classifier.options(multiplexed_model_id="food").remote(normalized)
    [best] = await ranked
    return {
        "best": best.sentence,
        "score": best.score,
        "words": float((await vector).sum()),
        "about": await about,
        "labels": sorted(document.labels | {document.created.strftime("%Y")}),
    }


@documents.get("/{name}/summary")
async def summary(name: str, to: Calls) -> StreamingResponse:
    """Send the sentences of a document, best first, one a line."""
    sentences = to.summarizer.options(stream=True).summarize.remote(name)

    async def lines() -> AsyncIterator[str]:
        async for sentence in sentences:
            yield f"{sentence}\n"

    return StreamingResponse(lines(), media_type="text/plain", headers={"x-document": name})


@models.get("/words")
def words(text: str, to: Calls, fail_after: int | None = None) -> StreamingResponse:
    """Send the words of a text as server-sent events."""
    found = to.summarizer.words.options(stream=True).remote(text, fail_after=fail_after)

    def events() -> Iterator[str]:
        try:
            for word in found:
                yield f"data: {json.dumps(word)}\n\n"
        except LookupError as error:
            yield f"event: error\ndata: {'word 2 is missing' in str(error)}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@models.get("/follow/{mark}")
async def follow(mark: str, to: Calls) -> StreamingResponse:
    """Pass on what the summarizer yields, as it does."""
    lines = to.summarizer.options(method_name="follow", stream=True).remote(mark)
    return StreamingResponse(lines, media_type="text/plain")


@models.post("/embeddings")
async def embeddings(texts: list[str], to: Calls) -> dict[str, Any]:
    """Embed texts together, and say in batches of which sizes."""
    before = len(await to.embedder.batch_sizes.remote())
    vectors = await to.embedder.embed_all.remote(texts)
    sizes = await to.embedder.batch_sizes.remote()
    shape = {"shape": list(vectors.shape), "dtype": str(vectors.dtype)}
    return {**shape, "sums": vectors.sum(axis=1).tolist(), "batches": sizes[before:]}


@models.post("/spellings")
async def spellings(words: list[str], to: Calls) -> list[str]:
    """Spell words together."""
    spelled: list[str] = await to.embedder.spell_all.remote(words)
    return spelled


@models.get("/topic")
async def topic(text: str, to: Calls) -> dict[str, Any]:
    """Classify a text with the model that the request asks for."""
    classifier = to.classifier.options(multiplexed_model_id=serve.get_multiplexed_model_id())
    found: dict[str, Any] = await classifier.remote(text)
    return found


@models.get("/topic/history")
async def topic_history(to: Calls) -> dict[str, list[str]]:
    """Return which models have come and gone."""
    history: dict[str, list[str]] = await to.classifier.history.remote()
    return history


@models.post("/classifier/breakdown")
async def break_down(to: Calls) -> str:
    """Break the classifier; return which replica it was."""
    instance: str = await to.classifier.break_down.remote()
    return instance


@models.get("/classifier")
async def classifier(to: Calls) -> str:
    """Return which replica of the classifier answers."""
    instance: str = await to.classifier.which.remote()
    return instance


@models.post("/prints/{mark}")
async def print_document(mark: str, to: Calls, copies: int = 1) -> list[str]:
    """Print copies at once; the refusal of the printer is nobody's to catch here."""
    printed: list[str] = await asyncio.gather(*(print_copy(mark, to) for _ in range(copies)))
    return printed


async def print_copy(mark: str, to: Calls) -> str:
    """Print one copy."""
    printed: str = await to.printer.print.remote(mark)
    return printed


@models.get("/meeting")
async def meeting(token: str, to: Calls) -> list[str]:
    """Let two calls wait for each other: both leave at once."""
    first = to.summarizer.meet.remote(f"{token}-a", f"{token}-b")
    second = to.summarizer.meet.remote(f"{token}-b", f"{token}-a")
    return [await first, await second]


@models.get("/wait/{mark}")
async def wait(mark: str, to: Calls) -> str:
    """Wait for the summarizer."""
    waited: str = await to.summarizer.wait.remote(mark)
    return waited


@models.get("/patience/{mark}")
def patience(mark: str, to: Calls) -> PlainTextResponse:
    """Wait for the summarizer, but not for long."""
    response = to.summarizer.wait.remote(mark)
    try:
        return PlainTextResponse(response.result(timeout_s=0.5))
    except TimeoutError:
        response.cancel()
        return PlainTextResponse("too slow", status_code=504)


@models.get("/cancellation/{mark}")
async def cancellation(mark: str, to: Calls) -> dict[str, Any]:
    """Cancel a call that has begun."""
    response = to.summarizer.wait.remote(mark)
    await appearance(Path(folder_of_the_service(), f"{mark}.begun"))
    response.cancel()
    try:
        return {"result": await response}
    except RequestCancelledError as error:
        return {"cancelled": response.cancelled(), "is_ours": isinstance(error, RayServeException)}


@models.get("/about")
async def about(request: Request) -> dict[str, Any]:
    """Say what this is and where it runs."""
    context = serve.get_replica_context()
    scope = {key: request.scope[key] for key in ("path", "root_path")}
    place = {"application": context.app_name, "deployment": context.deployment}
    return {**scope, **place, "order": request.app.state.order, "url": str(request.url)}


@models.post("/notes/{mark}", status_code=202)
async def note(mark: str, response: Response, background: BackgroundTasks) -> None:
    """Answer first, then write a file; set two cookies."""
    background.add_task(Path(folder_of_the_service(), mark).touch)
    response.set_cookie("note", mark)
    response.set_cookie("kept", "no")


@models.get("/failure")
async def failure() -> None:
    """Fail."""
    raise ZeroDivisionError("nobody catches this")


def folder_of_the_service() -> str:
    """Return the folder that the gateway was given."""
    folder: str = serve.get_replica_context().servable_object.folder
    return folder


def create_api() -> FastAPI:
    """Make the API of the library, once in each replica."""
    order = [f"made for {serve.get_replica_context().deployment}"]

    @asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncIterator[None]:
        order.append("startup")
        api.state.order = order
        api.state.store = serve.get_deployment_handle("Store")
        yield
        logger.info("the library closes")

    api = FastAPI(title="Library", lifespan=lifespan)
    api.include_router(documents)
    api.include_router(models)

    @api.middleware("http")
    async def name_service(
        request: Request,
        call_next: Callable[[Request], Awaitable[Response]],
    ) -> Response:
        response = await call_next(request)
        response.headers["x-service"] = "library"
        return response

    @api.exception_handler(DocumentNotFound)
    async def not_found(request: Request, error: DocumentNotFound) -> JSONResponse:
        del error
        return JSONResponse({"missing": request.path_params["name"]}, status_code=404)

    @api.get("/count")
    async def count(request: Request) -> int:
        return len(await request.app.state.store.names.remote())

    return api


class Settings(BaseModel):
    """What the config file may say of the library."""

    folder: str
    dimensions: int = 16


@serve.deployment(max_ongoing_requests=20, ray_actor_options=SMALL)
@serve.ingress(create_api)
class Gateway:
    """What HTTP reaches."""

    def __init__(self, settings: Settings, **handles: DeploymentHandle) -> None:
        self.folder = settings.folder
        self.backends = Backends(**handles)


def build(settings: Settings) -> serve.Application:
    """Build the library."""
    welcome = Document(name="welcome", text="Read me.", created=datetime(2026, 1, 2, tzinfo=UTC))
    store = Store.bind([welcome])
    scorers = {"length": Scorer.bind("length"), "words": Scorer.bind(by="words")}
    ranking = Ranking.bind(scorers, weights=[1.0, 0.5])
    return Gateway.bind(
        settings,
        store=store,
        normalizer=normalize.bind(),
        embedder=Embedder.bind(settings.dimensions),
        classifier=Classifier.bind(),
        ranking=ranking,
        summarizer=Summarizer.bind(store, ranking, settings.folder),
        printer=Printer.bind(settings.folder),
    )


@serve.deployment(ray_actor_options=SMALL)
class Statistics:
    """Figures of a text, in the form that is asked for: no FastAPI, only values."""

    async def __call__(self, request: Request) -> Any:
        """Answer a request."""
        text = (await request.body()).decode()
        figures: dict[str, Callable[[], Any]] = {
            "nothing": lambda: None,
            "text": lambda: f"größer: {text}",
            "bytes": text.encode,
            "length": lambda: len(text),
            "words": lambda: set(text.split()),
            "vector": lambda: np.array([len(word) for word in text.split()]),
            "mean": lambda: np.mean([len(word) for word in text.split()]),
            "table": lambda: {"at": datetime(2026, 1, 2, tzinfo=UTC), "none": None},
            "document": lambda: Document(
                name="a", text=text, created=datetime(2026, 1, 2, tzinfo=UTC)
            ),
            "response": lambda: PlainTextResponse(
                text, status_code=203, headers={"x-form": "response"}
            ),
            "stream": lambda: StreamingResponse(iter([text, "!"]), media_type="text/plain"),
            "scope": lambda: {key: request.scope[key] for key in ("path", "root_path", "method")},
            "failure": lambda: 1 / 0,
        }
        return figures[request.query_params["form"]]()


statistics = Statistics.bind()

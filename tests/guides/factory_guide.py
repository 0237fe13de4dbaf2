"""Ray Serve's FastAPI factory guide: its examples as programs.

They use what the guide's use, in the same way; what the guide leaves out (imports, the rest of a
fragment) is added. On Ray their first line is `from ray import serve`, and nothing else differs.
"""

from tests.guides.samples import Asked, Sample

OBJECT = Sample(
    """
    from adapter import serve
    from fastapi import FastAPI

    web = FastAPI()

    @serve.deployment
    @serve.ingress(web)
    class Service:
        @web.get("/class_route")
        def from_a_method(self):
            return "hello class route"

    app = Service.bind()
    if __name__ == "__main__":
        serve.run(app)
    """,
    (Asked("GET /class_route", "hello class route"),),
)

FACTORY = Sample(
    """
    from adapter import serve
    from fastapi import FastAPI

    def make_web():
        web = FastAPI()

        @web.get("/route")
        def from_a_function():
            return "hello route"

        @web.middleware("http")
        async def add_header(request, call_next):
            response = await call_next(request)
            response.headers["X-Custom"] = "header"
            return response

        return web

    deployment = serve.deployment(serve.ingress(make_web)())
    app = deployment.bind()
    if __name__ == "__main__":
        serve.run(app)
    """,
    (
        Asked("GET /route", "hello route", headers=("x-custom",)),
        Asked("GET /other", {"detail": "Not Found"}, status=404, headers=("x-custom",)),
    ),
)

EXISTING = Sample(
    """
    from adapter import serve
    from fastapi import FastAPI

    def make_shop():
        shop = FastAPI()

        @shop.get("/users/{user_id}")
        def find(user_id: int):
            return {"user_id": user_id, "name": f"User {user_id}"}

        @shop.post("/users")
        def create(user_data: dict):
            return {"message": "User created", "data": user_data}

        @shop.middleware("http")
        async def tell(request, call_next):
            print(f"Request: {request.method} {request.url}")
            return await call_next(request)

        return shop

    @serve.deployment
    @serve.ingress(make_shop)
    class Shop:
        pass

    app = Shop.bind()
    if __name__ == "__main__":
        serve.run(app)
    """,
    (
        Asked("GET /users/7", {"user_id": 7, "name": "User 7"}),
        Asked(
            "POST /users",
            {"message": "User created", "data": {"name": "Ada"}},
            body={"name": "Ada"},
        ),
        Asked("GET /users/x", lambda body: "detail" in body, status=422),
    ),
)

DEFAULT_CLASS = Sample(
    """
    from adapter import serve
    from fastapi import FastAPI

    def make_web():
        web = FastAPI(docs_url="/custom-docs")

        @web.get("/")
        def root():
            return {"message": "Hello World"}

        @web.get("/health")
        def health():
            return {"status": "healthy"}

        return web

    ingress_deployment = serve.deployment(serve.ingress(make_web)())
    app = ingress_deployment.bind()
    if __name__ == "__main__":
        serve.run(app)
    """,
    (
        Asked("GET /", {"message": "Hello World"}),
        Asked("GET /health", {"status": "healthy"}),
        Asked("GET /custom-docs", lambda page: "openapi.json" in page),
        Asked("GET /docs", {"detail": "Not Found"}, status=404),
    ),
)

COMPOSITION = Sample(
    """
    from adapter import serve
    from fastapi import Depends, FastAPI

    @serve.deployment
    class Model:
        def __call__(self, data: str):
            return f"Processed: {data}"

    def make_web():
        web = FastAPI()

        def model_handle():
            return serve.get_deployment_handle("Model", "default")

        @web.post("/predict")
        async def predict(data: str, model: serve.DeploymentHandle = Depends(model_handle)):
            result = await model.remote(data)
            return {"prediction": result}

        return web

    @serve.deployment
    @serve.ingress(make_web)
    class Gateway:
        def __init__(self, model):
            self.model = model

    model = Model.options(name="Model")
    gateway = Gateway.bind(model.bind())
    if __name__ == "__main__":
        serve.run(gateway)
    """,
    (Asked("POST /predict?data=text", {"prediction": "Processed: text"}),),
    target="gateway",
    is_default=True,
)

HANDLERS = Sample(
    """
    import time

    from adapter import serve
    from fastapi import FastAPI, HTTPException
    from fastapi.responses import JSONResponse

    def make_web():
        web = FastAPI()

        @web.exception_handler(ValueError)
        async def refuse(request, error):
            content = {"error": "Invalid input", "detail": str(error)}
            return JSONResponse(status_code=400, content=content)

        @web.middleware("http")
        async def measure(request, call_next):
            began = time.time()
            response = await call_next(request)
            response.headers["X-Process-Time"] = str(time.time() - began)
            return response

        @web.get("/")
        def root():
            return {"message": "Hello World"}

        @web.get("/error")
        def fail():
            raise ValueError("This is a test error")

        @web.get("/teapot")
        def refuse_coffee():
            raise HTTPException(418, "a teapot")

        return web

    app = serve.deployment(serve.ingress(make_web)()).bind()
    if __name__ == "__main__":
        serve.run(app)
    """,
    (
        Asked("GET /", {"message": "Hello World"}, headers=("x-process-time",)),
        Asked(
            "GET /error",
            {"error": "Invalid input", "detail": "This is a test error"},
            status=400,
            headers=("x-process-time",),
        ),
        Asked("GET /teapot", {"detail": "a teapot"}, status=418),
    ),
)

PLUGIN = Sample(
    """
    from adapter import serve
    from fastapi import FastAPI
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    def make_web():
        web = FastAPI()
        FastAPIInstrumentor.instrument_app(web)

        @web.get("/")
        def root():
            return {"message": "Instrumented endpoint"}

        return web

    app = serve.deployment(serve.ingress(make_web)()).bind()
    if __name__ == "__main__":
        serve.run(app)
    """,
    (Asked("GET /", {"message": "Instrumented endpoint"}),),
)

DEPENDENCIES = Sample(
    """
    from adapter import serve
    from fastapi import Depends, FastAPI
    from pydantic import BaseModel

    class Text(BaseModel):
        text: str

    @serve.deployment
    class Classifier:
        def predict(self, text: str):
            return "question" if text.endswith("?") else "statement"

    @serve.deployment
    class Sentiment:
        async def analyze(self, text: str):
            return {"positive": "good" in text}

    def make_web():
        web = FastAPI()

        def classifier_handle():
            return serve.get_deployment_handle("Classifier", "default")

        def sentiment_handle():
            return serve.get_deployment_handle("Sentiment", "default")

        @web.post("/classify")
        async def classify(
            request: Text,
            classifier=Depends(classifier_handle),
            sentiment=Depends(sentiment_handle),
        ):
            kind = await classifier.predict.remote(request.text)
            score = await sentiment.analyze.remote(request.text)
            return {"text": request.text, "classification": kind, "sentiment": score}

        return web

    @serve.deployment
    @serve.ingress(make_web)
    class Gateway:
        def __init__(self, *models):
            self.models = models

    app = Gateway.bind(Classifier.bind(), Sentiment.bind())
    if __name__ == "__main__":
        serve.run(app)
    """,
    (
        Asked(
            "POST /classify",
            {
                "text": "all good?",
                "classification": "question",
                "sentiment": {"positive": True},
            },
            body={"text": "all good?"},
        ),
        Asked("POST /classify", lambda body: "detail" in body, body={}, status=422),
    ),
    is_default=True,
)

RESTRICTION = Sample(
    """
    from adapter import serve
    from fastapi import FastAPI

    def make_web():
        web = FastAPI()

        @web.get("/allowed")
        def allowed():
            return "OK"

        return web

    @serve.deployment
    @serve.ingress(make_web)
    class Service:
        pass

    app = Service.bind()
    if __name__ == "__main__":
        serve.run(app)
    """,
    (
        Asked("GET /allowed", "OK"),
        Asked("GET /not-allowed", {"detail": "Not Found"}, status=404),
    ),
)

WEIGHTS = Sample(
    """
    from adapter import serve
    from fastapi import FastAPI

    @serve.deployment
    class Model:
        def __init__(self, weight):
            self.weight = weight

        def predict(self):
            return self.weight

    def make_web():
        web = FastAPI()

        @web.get("/predict")
        async def predict():
            handle = serve.get_deployment_handle("Model", "default")
            return await handle.predict.remote()

        return web

    @serve.deployment
    @serve.ingress(make_web)
    class Service:
        def __init__(self, model):
            pass

    app = Service.bind(Model.bind(42))
    if __name__ == "__main__":
        serve.run(app)
    """,
    (Asked("GET /predict", 42),),
    is_default=True,
)

COMPLETE = Sample(
    """
    import time

    from adapter import serve
    from fastapi import Depends, FastAPI
    from fastapi.responses import JSONResponse
    from pydantic import BaseModel

    class Text(BaseModel):
        text: str

    class Verdict(BaseModel):
        label: str
        confidence: float
        seconds: float

    @serve.deployment
    class Classifier:
        def __init__(self):
            self.longest_no = 10

        def judge(self, text: str):
            label = "positive" if len(text) > self.longest_no else "negative"
            return {"label": label, "confidence": 0.95}

    def make_web():
        web = FastAPI(title="Verdicts", description="What texts feel like", version="1.0.0")

        @web.middleware("http")
        async def measure(request, call_next):
            began = time.time()
            response = await call_next(request)
            response.headers["X-Process-Time"] = str(time.time() - began)
            return response

        @web.exception_handler(ValueError)
        async def refuse(request, error):
            content = {"error": "Invalid input", "detail": str(error)}
            return JSONResponse(status_code=400, content=content)

        def classifier_handle():
            return serve.get_deployment_handle("Classifier", "default")

        @web.get("/health")
        def health():
            return {"status": "healthy", "service": "verdicts"}

        @web.post("/judge", response_model=Verdict)
        async def judge(request: Text, classifier=Depends(classifier_handle)):
            if not request.text.strip():
                raise ValueError("Text cannot be empty")
            began = time.time()
            found = await classifier.judge.remote(request.text)
            return Verdict(**found, seconds=time.time() - began)

        return web

    @serve.deployment
    @serve.ingress(make_web)
    class Verdicts:
        def __init__(self, classifier):
            self.classifier = classifier

    classifier = Classifier.options(name="Classifier")
    verdicts = Verdicts.bind(classifier.bind())
    if __name__ == "__main__":
        serve.run(verdicts)
    """,
    (
        Asked("GET /health", {"status": "healthy", "service": "verdicts"}),
        Asked(
            "POST /judge",
            lambda body: (body["label"], body["confidence"]) == ("positive", 0.95),
            body={"text": "a text that is long"},
            headers=("x-process-time",),
        ),
        Asked(
            "POST /judge",
            {"error": "Invalid input", "detail": "Text cannot be empty"},
            body={"text": " "},
            status=400,
        ),
        Asked("GET /openapi.json", lambda body: body["info"]["title"] == "Verdicts"),
    ),
    target="verdicts",
    is_default=True,
)

SAMPLES = {
    "object_form": OBJECT,
    "factory_form": FACTORY,
    "existing_application": EXISTING,
    "default_class": DEFAULT_CLASS,
    "composition": COMPOSITION,
    "middleware_and_handlers": HANDLERS,
    "plugin": PLUGIN,
    "dependencies": DEPENDENCIES,
    "restriction": RESTRICTION,
    "weights": WEIGHTS,
    "complete": COMPLETE,
}

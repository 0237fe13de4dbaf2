"""A program written for Ray Serve does over HTTP what it does on Ray, under `adapter run` too.

The tests are the same for both. `make test-ray` runs them on Ray; everywhere else `adapter run`
serves the program, with the imports in `program/` that begin with `from adapter`.
"""

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from tests.ray.hosts import Service, on_adapter, on_ray

TEXT = "Bread needs salt. The moon is bright! Soup?"
CREATED = "2026-01-02T00:00:00Z"


@pytest.fixture(
    scope="module",
    params=["adapter", pytest.param("ray", marks=[pytest.mark.ray, pytest.mark.timeout(400)])],
)
def service(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp(request.param)
    with {"ray": on_ray, "adapter": on_adapter}[request.param](folder) as started:
        yield started


# What Ray does and the adapter does not do yet, by the test's name or the trial's. Each of them
# fails; one that passes has to go from here.
OPEN: dict[str, str] = {}


@pytest.fixture(autouse=True)
def _open(request: pytest.FixtureRequest) -> None:
    call = getattr(request.node, "callspec", None)
    params = call.params if call is not None else {}
    name = str(params.get("name", request.node.originalname))
    if params.get("service") == "adapter" and name in OPEN:
        request.applymarker(pytest.mark.xfail(reason=OPEN[name], strict=True))


@pytest.fixture
def document(service: Service) -> str:
    """The name of a new document."""
    name = new_name("document")
    body = {"name": name, "text": TEXT, "labels": ["x"], "created": CREATED}
    assert service.http.post("/library/documents", json=body).status_code == 201
    return name


def new_name(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:8]}"


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.02)


def begin_waiting_deployments(service: Service) -> None:
    """Have environments that wait for calls: a start may take longer than a time limit."""
    mark = new_name("start")
    (service.folder / mark).touch()
    assert get(service, f"/wait/{mark}").status_code == 200


def get(service: Service, path: str, **options: Any) -> httpx2.Response:
    return service.http.get(f"/library{path}", **options)


# Documents: status codes, validation, errors of other deployments, values that travel.


def test_a_new_document_is_201_with_its_location(service: Service) -> None:
    name = new_name("new")

    answer = service.http.post("/library/documents", json={"name": name, "text": TEXT})

    base = str(service.http.base_url).rstrip("/")
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{base}/library/documents/{name}"
    assert name in get(service, "/documents").json()


def test_a_document_is_returned_as_it_was_sent(service: Service, document: str) -> None:
    answer = get(service, f"/documents/{document}")

    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"name": document, "text": TEXT, "labels": ["x"], "created": CREATED}


def test_constructor_arguments_may_be_models(service: Service) -> None:
    assert get(service, "/documents/welcome").json()["text"] == "Read me."


def test_a_builtin_error_of_another_deployment_is_caught_as_what_it_is(
    service: Service,
    document: str,
) -> None:
    answer = service.http.post("/library/documents", json={"name": document, "text": TEXT})

    assert (answer.status_code, answer.json()) == (409, {"detail": "exists"})
    assert answer.headers["x-name"] == document


def test_an_error_class_of_the_program_reaches_the_exception_handler(service: Service) -> None:
    for path in ("/documents/nothing", "/documents/nothing/analysis"):
        answer = get(service, path)

        assert (answer.status_code, answer.json()) == (404, {"missing": "nothing"})


def test_what_does_not_validate_is_422(service: Service) -> None:
    answer = service.http.post("/library/documents", json={"name": "Not a name"})

    found = [(error["type"], error["loc"]) for error in answer.json()["detail"]]
    assert answer.status_code == 422
    assert found == [
        ("string_pattern_mismatch", ["body", "name"]),
        ("missing", ["body", "text"]),
    ]


def test_a_removed_document_is_gone(service: Service, document: str) -> None:
    removed = service.http.delete(f"/library/documents/{document}")
    again = service.http.delete(f"/library/documents/{document}")

    assert (removed.status_code, removed.content) == (204, b"")
    assert (again.status_code, again.json()) == (404, {"missing": document})


def test_bytes_and_dates_travel_to_a_deployment_and_back(service: Service, document: str) -> None:
    path = f"/library/documents/{document}/attachment"

    assert service.http.get(path).text == "nothing attached"
    attached = service.http.put(path, content=b"\x00\xff")
    assert attached.json()["weekday"] == "Friday"
    assert attached.json()["sha256"].startswith("06eb7d6a")
    assert service.http.get(path).content == b"\x00\xff"


# Composition.


def test_an_answer_is_composed_of_several_deployments(service: Service, document: str) -> None:
    assert get(service, f"/documents/{document}/analysis").json() == {
        "best": "The moon is bright!",
        "score": 21.0,
        "words": 8.0,
        "about": {"topic": "food", "share": 0.375, "about": True},
        "labels": ["2026", "x"],
    }


def test_two_calls_of_one_method_run_at_the_same_time(service: Service) -> None:
    token = new_name("meeting")

    assert get(service, "/meeting", params={"token": token}).json() == [f"{token}-a", f"{token}-b"]


def test_calls_of_a_busy_deployment_wait(service: Service) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: get(service, "/documents/welcome"), range(40)))

    assert {answer.status_code for answer in answers} == {200}


def test_what_lifespan_startup_has_made_serves_requests(service: Service) -> None:
    assert get(service, "/count").json() >= 1


# Streams.


def test_a_deployments_generator_is_streamed_to_the_client(service: Service, document: str) -> None:
    answer = get(service, f"/documents/{document}/summary")

    assert answer.text == "The moon is bright!\nBread needs salt.\nSoup?\n"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-document"] == document


def test_a_streams_items_arrive_as_they_are_yielded(service: Service) -> None:
    mark = new_name("follow")

    with service.http.stream("GET", f"/library/follow/{mark}") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "begun"
        (service.folder / mark).touch()
        assert next(lines) == "marked"


def test_a_client_that_leaves_ends_the_generator_behind_the_stream(service: Service) -> None:
    mark = new_name("leave")

    with service.http.stream("GET", f"/library/follow/{mark}") as answer:
        assert next(answer.iter_lines()) == "begun"

    wait_for(service.folder / f"{mark}.ended")


def test_a_plain_generator_becomes_server_sent_events(service: Service) -> None:
    answer = get(service, "/words", params={"text": "a b"})

    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.text == ('data: {"place": 0, "word": "a"}\n\ndata: {"place": 1, "word": "b"}\n\n')


def test_an_error_comes_after_the_items_before_it(service: Service) -> None:
    answer = get(service, "/words", params={"text": "a b c", "fail_after": 2})

    assert answer.text.count("place") == 2
    assert answer.text.endswith("event: error\ndata: True\n\n")


def test_a_stream_that_fails_breaks_off(service: Service) -> None:
    with service.http.stream("GET", "/bench/broken") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "begun"
        with pytest.raises(httpx2.RemoteProtocolError):
            next(lines)


# Batches.


def test_calls_at_the_same_time_share_a_batch(service: Service) -> None:
    answer = service.http.post("/library/embeddings", json=["a b", "c", "d", "e", "f g h"])

    assert answer.json() == {
        "shape": [5, 8],  # the config file says 8 dimensions
        "dtype": "float32",
        "sums": [2.0, 1.0, 1.0, 1.0, 3.0],
        "batches": [4, 1],
    }


def test_a_batch_may_stream(service: Service) -> None:
    answer = service.http.post("/library/spellings", json=["abc", "def"])

    assert answer.json() == ["a-b-c", "d-e-f"]


# Models.


def topic_of(service: Service, model: str, text: str = "moon bread") -> Any:
    return get(
        service,
        "/topic",
        params={"text": text},
        headers={"serve_multiplexed_model_id": model} if model else {},
    ).json()


def test_the_header_chooses_the_model(service: Service) -> None:
    assert topic_of(service, "food") == {"topic": "food", "share": 0.5, "about": True}
    assert topic_of(service, "music") == {"topic": "music", "share": 0.0, "about": False}
    assert topic_of(service, "") == {"topic": "space", "share": 0.5, "about": True}


def test_the_header_may_be_written_with_hyphens_and_capitals(service: Service) -> None:
    headers = {"Serve-Multiplexed-Model-Id": "music"}

    answer = get(service, "/topic", params={"text": "song"}, headers=headers)

    assert answer.json()["topic"] == "music"


def test_the_model_that_was_used_longest_ago_is_unloaded(service: Service) -> None:
    for model in ("food", "music"):
        topic_of(service, model)
    before = get(service, "/topic/history").json()
    for model in ("food", "space", "music"):
        topic_of(service, model)
    after = get(service, "/topic/history").json()

    assert after["loaded"][len(before["loaded"]) :] == ["space", "music"]
    assert after["unloaded"][len(before["unloaded"]) :] == ["music", "food"]


def test_user_config_of_the_config_file_reconfigures(service: Service) -> None:
    assert topic_of(service, "food", "bread and so on")["about"] is True
    assert topic_of(service, "food", "bread and so on and on")["about"] is False


# Health.


def test_a_replica_that_is_not_healthy_is_replaced(service: Service) -> None:
    broken = service.http.post("/library/classifier/breakdown").json()

    while (answer := get(service, "/classifier")).json() == broken:
        assert answer.status_code == 200
    assert answer.status_code == 200


# Time limits and cancellation.


def test_a_request_with_a_time_limit_is_408(service: Service) -> None:
    begin_waiting_deployments(service)
    mark = new_name("limit")
    headers = {"x-request-timeout-seconds": "0.5", "x-request-id": mark}

    answer = get(service, f"/wait/{mark}", headers=headers)

    assert (answer.status_code, answer.text) == (408, f"Request {mark} timed out after 0.5s.")
    assert answer.headers["x-request-id"] == mark
    wait_for(service.folder / f"{mark}.cancelled")


def test_a_handle_may_wait_for_so_long_only(service: Service) -> None:
    mark = new_name("patience")

    answer = get(service, f"/patience/{mark}")

    assert (answer.status_code, answer.text) == (504, "too slow")


def test_a_call_is_cancelled_in_the_other_deployment(service: Service) -> None:
    mark = new_name("cancellation")

    answer = get(service, f"/cancellation/{mark}")

    assert answer.json() == {"cancelled": True, "is_ours": True}
    wait_for(service.folder / f"{mark}.cancelled")


def test_a_deployment_that_is_full_refuses_with_503(service: Service) -> None:
    mark = new_name("print")

    # From one replica: each has a queue of its own.
    answer = service.http.post(f"/library/prints/{mark}", params={"copies": 4})
    (service.folder / mark).touch()

    assert answer.status_code == 503
    assert answer.text.startswith("Request dropped due to backpressure")


def test_a_deployment_that_is_not_full_prints(service: Service) -> None:
    mark = new_name("print")
    (service.folder / mark).touch()

    answer = service.http.post(f"/library/prints/{mark}")

    assert answer.json() == ["printed"]


# HTTP.


def test_the_application_lies_below_its_prefix(service: Service) -> None:
    base = str(service.http.base_url).rstrip("/")

    assert get(service, "/about?a=1").json() == {
        "path": "/library/about",
        "root_path": "/library",
        "application": "library",
        "deployment": "Gateway",
        "order": ["made for Gateway", "startup"],
        "url": f"{base}/library/about?a=1",
    }


@pytest.mark.parametrize(
    ("path", "location"),
    [("/library", "/library/"), ("/library/about/", "/library/about")],
)
def test_slashes_are_redirected(service: Service, path: str, location: str) -> None:
    answer = service.http.get(path, follow_redirects=False)

    base = str(service.http.base_url).rstrip("/")
    assert (answer.status_code, answer.headers["location"]) == (307, base + location)
    assert service.http.get(location).status_code == 200


def test_links_are_below_the_prefix(service: Service) -> None:
    base = str(service.http.base_url).rstrip("/")

    assert get(service, "/").json() == f"{base}/library/documents"
    assert get(service, "/openapi.json").json()["servers"] == [{"url": "/library"}]


@pytest.mark.parametrize("path", ["/nowhere", "/librarybooks", "/"])
def test_a_path_of_no_application_is_404(service: Service, path: str) -> None:
    answer = service.http.get(path)

    expected = f"Path '{path}' not found. Ping http://.../-/routes for available routes."
    assert (answer.status_code, answer.text) == (404, expected)


def test_a_path_of_no_route_is_404_of_the_application(service: Service) -> None:
    answer = get(service, "/nowhere")

    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


def test_another_method_is_405(service: Service) -> None:
    answer = service.http.head("/library/about")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_routes_and_health_are_told(service: Service) -> None:
    routes = service.http.get("/-/routes")
    health = service.http.get("/-/healthz")

    assert (routes.status_code, routes.json()["/library"]) == (200, "library")
    assert (health.status_code, health.text) == (200, "success")


def test_every_answer_has_a_request_id(service: Service) -> None:
    given = get(service, "/about", headers={"x-request-id": "mine"})
    made = get(service, "/about")

    assert given.headers.get_list("x-request-id") == ["mine"]
    assert str(uuid.UUID(made.headers["x-request-id"])) == made.headers["x-request-id"]


def test_middleware_of_the_factory_sees_every_answer(service: Service) -> None:
    found = [get(service, path).headers["x-service"] for path in ("/about", "/documents/nothing")]

    assert found == ["library", "library"]


def test_background_tasks_follow_the_answer(service: Service) -> None:
    mark = new_name("note")

    answer = service.http.post(f"/library/notes/{mark}")

    cookies = [f"note={mark}; Path=/; SameSite=lax", "kept=no; Path=/; SameSite=lax"]
    assert answer.status_code == 202
    assert answer.headers.get_list("set-cookie") == cookies
    wait_for(service.folder / mark)


def test_an_error_that_nobody_catches_is_500(service: Service) -> None:
    answer = get(service, "/failure")

    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


# A deployment without FastAPI.


@pytest.mark.parametrize(
    ("form", "content_type", "body"),
    [
        ("nothing", "text/plain", ""),
        ("text", "text/plain; charset=utf-8", "größer: a bb"),
        ("bytes", "text/plain", "a bb"),
        ("length", "application/json", "4"),
        ("vector", "application/json", "[1,2]"),
        ("mean", "application/json", "1.5"),
        ("table", "application/json", '{"at":"2026-01-02T00:00:00+00:00","none":null}'),
        (
            "document",
            "application/json",
            '{"name":"a","text":"a bb","labels":[],"created":"2026-01-02T00:00:00Z"}',
        ),
        ("stream", "text/plain; charset=utf-8", "a bb!"),
        (
            "scope",
            "application/json",
            '{"path":"/statistics","root_path":"/statistics","method":"POST"}',
        ),
    ],
)
def test_what_a_plain_deployment_returns_becomes_a_response(
    service: Service,
    form: str,
    content_type: str,
    body: str,
) -> None:
    answer = service.http.post("/statistics", params={"form": form}, content="a bb")

    found = (answer.status_code, answer.headers["content-type"], answer.text)
    assert found == (200, content_type, body)


def test_a_plain_deployment_may_return_sets_and_responses(service: Service) -> None:
    words = service.http.post("/statistics?form=words", content="a bb")
    response = service.http.post("/statistics?form=response", content="a bb")

    assert sorted(words.json()) == ["a", "bb"]
    assert (response.status_code, response.headers["x-form"]) == (203, "response")


def test_a_plain_deployment_that_fails_is_500(service: Service) -> None:
    answer = service.http.post("/statistics?form=failure")

    assert (answer.status_code, answer.text) == (500, "Internal Server Error")


# What handles do and refuse.


def trial(service: Service, name: str) -> Any:
    return service.http.get(f"/bench/trials/{name}").json()


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("keyword_arguments", 8),
        ("response_as_argument", 8),
        ("response_awaited_twice", [2, 2]),
        ("plain_generator", [0, 1, 2]),
        ("async_generator", [0, 1, 2]),
        ("stream_in_plain_code", 6),
        ("result_in_plain_code", 8),
        ("model_as_argument", ["Sample", 3, True]),
        ("model_as_result", ["Report", [1, 2], True]),
        ("models_as_items", [1, 2]),
        ("ingress_by_handle", "abab"),
        ("traceback_of_the_callee", [True, True]),
        ("cause", ["KeyError", ["unknown"]]),
        ("attributes_of_an_error_of_our_own", ["lamp", 7]),
        ("names", ["DeploymentHandle(deployment='Apparatus')", "Apparatus", "workbench"]),
        ("where", ["workbench", "Bench", True]),
        ("values", [[], [[1.0, 0.0], [0.0, 1.0]], "<f8", 2.0]),
    ],
)
def test_handles_give(service: Service, name: str, result: Any) -> None:
    assert trial(service, name) == {"result": result}


STREAM_NOT_ASKED_FOR = (
    "Method 'count' returned a generator. You must use `handle.options(stream=True)` to call "
    "generators on a deployment."
)
NO_STREAM = "with `handle.options(stream=True)` but it did not return a generator."
NESTED_RESPONSE = (
    "`DeploymentResponse` is not serializable. If you are passing the `DeploymentResponse` in a "
    "nested object (e.g. a list or dictionary) to a downstream deployment handle call, that is no "
    "longer supported. Please only pass `DeploymentResponse` objects as top level arguments."
)
STREAM_AWAITED = (
    "`DeploymentResponseGenerator` cannot be awaited directly. Use `async for` or `await "
    "response.__anext__() instead`."
)
STREAM_AS_ARGUMENT = (
    "Streaming deployment handle results cannot be passed to downstream handle calls. If you have "
    "a use case requiring this feature, please file a feature request on GitHub."
)
ON_THE_LOOP = "Sync methods should not be called from within an `asyncio` event loop. Use "
UNKNOWN_METHOD = (
    "Tried to call a method 'triple' that does not exist. Available methods: "
    "['break_down', 'count', 'count_async', 'double', 'echo', 'forever', 'look_up', 'measure', "
    "'report', 'samples']."
)


class Difference(NamedTuple):
    """What is another way on the adapter on purpose: why, and which error it is instead."""

    why: str
    kinds: list[str]
    text: str


DIFFERENCES = {
    "unknown_deployment": Difference(
        "Lambda is not asked whether a function is there, which would cost each environment a "
        "request and a permission. So the first call fails.",
        kinds=[],
        text="workbench-Nobody: ResourceNotFoundException",
    ),
}


@pytest.mark.parametrize(
    ("name", "kinds", "text"),
    [
        ("builtin_error", ["KeyError"], "KeyError: 'unknown'"),
        ("error_of_our_own", ["OutOfOrder", "RuntimeError"], "lamp is out of order"),
        ("failed_response_as_argument", ["KeyError"], "KeyError: 'unknown'"),
        ("generator_without_stream", ["TypeError"], STREAM_NOT_ASKED_FOR),
        ("missing_argument", ["TypeError"], "missing 1 required positional argument: 'number'"),
        ("response_in_a_list", ["RayServeException"], NESTED_RESPONSE),
        ("result_on_the_loop", ["RuntimeError"], f"{ON_THE_LOOP}`await response` instead."),
        ("stream_as_argument", ["RuntimeError"], STREAM_AS_ARGUMENT),
        ("stream_awaited", ["TypeError"], STREAM_AWAITED),
        ("stream_cancelled", ["RayServeException", "RequestCancelledError"], " was cancelled."),
        (
            "stream_in_plain_code_on_the_loop",
            ["RuntimeError"],
            f"{ON_THE_LOOP}`async for` or `await response.__anext__()` instead.",
        ),
        ("stream_without_async_generator", ["TypeError"], f"Called method 'echo' {NO_STREAM}"),
        ("stream_without_generator", ["TypeError"], f"Called method 'double' {NO_STREAM}"),
        ("time_limit", ["TimeoutError"], ""),
        ("unknown_application", ["RayServeException"], "Application 'nobody' does not exist."),
        (
            "unknown_deployment",
            ["KeyError"],
            "Deployment(name='Nobody', app='workbench') does not exist.",
        ),
        ("unknown_method", ["RayServeException"], UNKNOWN_METHOD),
        ("unknown_option", ["TypeError"], "got an unexpected keyword argument 'colour'"),
    ],
)
def test_handles_refuse(service: Service, name: str, kinds: list[str], text: str) -> None:
    if name in DIFFERENCES and not service.is_on_ray:
        _, kinds, text = DIFFERENCES[name]

    found = trial(service, name)

    assert found["error"] == kinds
    assert text in found["text"]


def test_routes_on_methods_are_inherited(service: Service) -> None:
    assert service.http.get("/bench/version").json() == "2"


def test_an_error_of_another_deployment_that_nobody_catches_is_500(service: Service) -> None:
    answer = service.http.get("/bench/unhandled")

    assert (answer.status_code, answer.text) == (500, "Internal Server Error")

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI, Request

from adapter import function as function_module
from adapter import lambda_handler, serve
from adapter.errors import (
    InvalidCall,
    InvalidOption,
    LifespanFailed,
    ServeError,
    Unhealthy,
    UnsupportedEvent,
)
from adapter.function import Function, entry_point
from adapter.serve import context, transport
from adapter.serve.context import InvocationContext
from adapter.settings import HttpSettings, Settings
from tests import events
from tests.http.answers import ask

Closing = Callable[[Function], Function]


class Model:
    def __init__(self, factor: int = 2, *, deployment: str = "") -> None:
        self.factor = factor
        self.deployment = deployment

    def times(self, number: int) -> int:
        return number * self.factor

    async def seen(self) -> list[Any]:
        here, invocation = context.current(), context.invocation.get()
        return [here and here.deployment, here and here.application, invocation]


def test_deployment_is_called_like_any_lambda_handler(closing: Closing) -> None:
    function = closing(entry_point(serve.deployment(Model), 3))

    assert [function({"method": "times", "args": [n]}, None) for n in range(3)] == [0, 3, 6]


def test_class_without_the_decorator_is_a_deployment_too(closing: Closing) -> None:
    function = closing(entry_point(Model))

    assert function({"method": "seen"})[:2] == ["Model", "default"]


def test_constructor_arguments_may_have_any_name(closing: Closing) -> None:
    function = closing(entry_point(Model, deployment="named"))

    assert function({"method": "times", "args": [2]}) == 4


def test_handler_works_where_another_loop_is_running(closing: Closing) -> None:
    function = closing(entry_point(Model))

    async def main() -> Any:
        return function({"method": "times", "args": [2]})

    assert asyncio.run(main()) == 4


def test_function_is_started_and_closed_where_another_loop_is_running() -> None:
    async def main() -> Any:
        function = entry_point(Model)
        result = function({"method": "times", "args": [2]})
        function.close()
        return result

    assert asyncio.run(main()) == 4


def test_handler_works_in_many_threads(closing: Closing) -> None:  # row 19
    function = closing(entry_point(Model))
    with ThreadPoolExecutor(8) as threads:
        results = threads.map(lambda n: function({"method": "times", "args": [n]}), range(50))
        assert list(results) == [2 * n for n in range(50)]


def test_runtime_awaits_it_on_its_own_loop(closing: Closing) -> None:
    function = closing(entry_point(Model))

    async def main() -> Any:
        calls = (function.invoke({"method": "times", "args": [n]}, None) for n in range(3))
        return await asyncio.gather(*calls)

    assert function.loop.run_until_complete(main()) == [0, 2, 4]


FOREIGN: list[Any] = [
    None,
    [],
    "text",
    3,
    {"context": {}},
    {"Records": [{"eventSource": "aws:sqs"}]},
    {"source": "aws.events", "detail-type": "Scheduled Event"},
]
WEB_SOCKET = {
    "requestContext": {"routeKey": "$connect", "eventType": "CONNECT", "connectionId": "1"}
}


@pytest.mark.parametrize("event", [*FOREIGN, WEB_SOCKET])
def test_event_that_is_neither_http_nor_a_call_is_refused(closing: Closing, event: Any) -> None:
    function = closing(entry_point(Model))

    with pytest.raises(UnsupportedEvent):
        function(event)
    assert function({"method": "times", "args": [1]}) == 2


@pytest.mark.parametrize("event", [*FOREIGN, {"method": "times"}])
def test_application_refuses_everything_but_http(closing: Closing, event: Any) -> None:
    function = closing(lambda_handler(FastAPI()))

    with pytest.raises(UnsupportedEvent):
        function(event)


def test_application_answers_what_is_no_whole_event_of_a_web_socket_with_400(
    closing: Closing,
) -> None:
    assert closing(lambda_handler(FastAPI()))(WEB_SOCKET)["statusCode"] == 400


@pytest.mark.parametrize("made", [partial(entry_point, Model), partial(lambda_handler, FastAPI())])
def test_warm_up_ping_is_answered_with_null(closing: Closing, made: Any) -> None:  # row 5
    assert closing(made())({}) is None


def test_deployment_without_call_serves_no_http(closing: Closing) -> None:
    with pytest.raises(UnsupportedEvent):
        closing(entry_point(Model))(events.http_api())


def test_unknown_method_of_an_ingress_is_an_invalid_call(closing: Closing) -> None:
    class Gateway:
        def plain(self) -> int:
            return 1

    function = closing(entry_point(serve.ingress(FastAPI())(Gateway)))
    assert function({"method": "plain"}) == 1
    with pytest.raises(InvalidCall, match="'__call__' that does not exist"):
        function({"args": []})


def test_constructor_may_be_async(closing: Closing) -> None:
    class Loaded:
        async def __init__(self, name: str) -> None:  # type: ignore[misc]  # Ray's
            await asyncio.sleep(0)
            self.name = name

        def read(self) -> str:
            return self.name

    assert closing(entry_point(Loaded, "a"))({"method": "read"}) == "a"


def test_failing_constructor_is_raised_at_import_and_leaves_nothing_open() -> None:
    class Broken:
        def __init__(self) -> None:
            raise LookupError("no model")

    with pytest.raises(LookupError, match="no model"):
        entry_point(Broken)


class Configured:
    def __init__(self) -> None:
        self.config: Any = "never"

    def reconfigure(self, config: Any) -> None:
        self.config = config

    def read(self) -> Any:
        return self.config


class ConfiguredLater(Configured):
    async def reconfigure(self, config: Any) -> None:  # type: ignore[override]  # may be async
        await asyncio.sleep(0)
        self.config = config


@pytest.mark.parametrize("cls", [Configured, ConfiguredLater])
@pytest.mark.parametrize(
    ("user_config", "seen"),
    [({"threshold": 1}, {"threshold": 1}), ({}, {}), (None, "never")],
)
def test_reconfigure_gets_the_user_config(
    closing: Closing,
    cls: Any,
    user_config: Any,
    seen: Any,
) -> None:
    function = closing(entry_point(serve.deployment(user_config=user_config)(cls)))

    assert function({"method": "read"}) == seen


def test_user_config_needs_a_reconfigure() -> None:
    expected = "user_config or rank specified but deployment Model missing reconfigure method"
    with pytest.raises(ServeError, match=expected):
        entry_point(serve.deployment(user_config={"a": 1})(Model))


def test_user_config_needs_a_class() -> None:
    with pytest.raises(ValueError, match="deployment_def must be a class to use user_config"):
        entry_point(serve.deployment(user_config={"a": 1})(len))


class AsksForItsRank(Configured):
    def reconfigure(self, config: Any, rank: Any = "none") -> None:
        self.config = [config, rank]


def test_reconfigure_that_takes_a_rank_is_always_called_and_gets_its_default(
    closing: Closing,
) -> None:
    function = closing(entry_point(serve.deployment(AsksForItsRank)))

    assert function({"method": "read"}) == [None, "none"]


def test_reconfigure_cannot_ask_for_a_rank_that_there_is_none_of() -> None:
    class NeedsItsRank(Configured):
        def reconfigure(self, config: Any, rank: int) -> None:  # type: ignore[override]  # Ray's
            raise AssertionError((config, rank))

    with pytest.raises(ServeError, match=r"NeedsItsRank\.reconfigure\(rank\) cannot be told its"):
        entry_point(serve.deployment(NeedsItsRank))


def test_code_knows_its_deployment_and_invocation(
    closing: Closing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ADAPTER_APPLICATION", "shop")
    function = closing(entry_point(serve.deployment(name="Named")(Model)))
    deadline_ms = int(time.time() * 1000) + 60_000
    lambda_context = SimpleNamespace(aws_request_id="r-1", deadline_ms=deadline_ms)

    async def seen() -> Any:
        await function.invoke({"method": "times", "args": [1]}, lambda_context)
        return context.current(), context.invocation.get()

    here, invocation = function.loop.run_until_complete(seen())
    assert (here.deployment, here.application) == ("Named", "shop")
    assert invocation == InvocationContext(request_id="r-1", deadline_ms=deadline_ms)


def test_constructor_and_threads_of_the_user_know_their_deployment(closing: Closing) -> None:
    class Threaded:
        def __init__(self) -> None:
            self.handles = [serve.get_deployment_handle("Model")]
            thread = threading.Thread(target=self.ask)
            thread.start()
            thread.join()

        def ask(self) -> None:
            self.handles.append(serve.get_deployment_handle("Model"))

        def names(self) -> list[str]:
            return [handle.app_name for handle in self.handles]

    assert closing(entry_point(Threaded))({"method": "names"}) == ["default", "default"]


def test_two_functions_of_a_process_know_which_they_are(closing: Closing) -> None:
    first = closing(entry_point(serve.deployment(name="First")(Model)))
    second = closing(entry_point(serve.deployment(name="Second")(Model)))

    assert [function({"method": "seen"})[0] for function in (first, second)] == ["First", "Second"]


def test_handle_call_uses_the_loop_of_the_function(closing: Closing) -> None:
    class Caller:
        async def call(self) -> str:
            serve.DeploymentHandle("Model").remote()
            return "sent"

    function = closing(entry_point(Caller))
    client: Any = transport.current()

    assert client._function_loop() is function.loop


def test_waiting_for_what_was_cancelled_is_an_error_and_not_the_end(closing: Closing) -> None:
    class Canceller:
        async def cancel(self) -> None:
            task = asyncio.create_task(asyncio.sleep(60))
            task.cancel()
            await task

        def fine(self) -> str:
            return "fine"

    function = closing(entry_point(Canceller))
    with pytest.raises(RuntimeError, match="waited for what it had cancelled"):
        function({"method": "cancel"})
    assert function({"method": "fine"}) == "fine"


def test_cancelled_invocation_is_cancelled(closing: Closing) -> None:
    class Slow:
        async def wait(self) -> None:
            await asyncio.Event().wait()

    function = closing(entry_point(Slow))

    async def main() -> bool:
        invocation = asyncio.create_task(function.invoke({"method": "wait"}, None))
        await asyncio.sleep(0)  # it begins
        invocation.cancel()
        await asyncio.wait([invocation])
        return invocation.cancelled()

    assert function.loop.run_until_complete(main())


def test_close_runs_the_shutdown_and_lets_the_instance_go() -> None:
    events_seen: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        events_seen.append("startup")
        yield
        events_seen.append("shutdown")

    class Gateway:
        def __init__(self) -> None:
            events_seen.append("constructor")

        def __del__(self) -> None:
            events_seen.append("del")

    function = entry_point(serve.ingress(FastAPI(lifespan=lifespan))(Gateway))
    function.close()

    assert events_seen == ["constructor", "startup", "shutdown", "del"]


class Destroyed:
    """Keeps what happens at the end, however often."""

    def __init__(self, seen: list[str]) -> None:
        self.seen = seen
        self.myself = self  # so that nothing but the garbage collector frees it

    def __del__(self) -> None:
        self.seen.append("del")


class DestroyedLater(Destroyed):
    async def __del__(self) -> None:  # type: ignore[override]  # Ray's
        await asyncio.sleep(0)
        self.seen.append("del")


class Slotted:
    __slots__ = ("seen",)

    def __init__(self, seen: list[str]) -> None:
        self.seen = seen

    def __del__(self) -> None:
        self.seen.append("del")


@pytest.mark.parametrize("cls", [Destroyed, DestroyedLater, Slotted])
def test_the_destructor_is_called_once_at_the_end(cls: Any) -> None:
    seen: list[str] = []
    function = entry_point(cls, seen)
    assert seen == []

    function.close()
    assert seen == ["del"]

    gc.collect()
    assert seen == ["del"]


class BrokenEnd:
    def __del__(self) -> None:
        raise LookupError("no end")


def test_a_destructor_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    entry_point(BrokenEnd).close()

    (record,) = caplog.records
    assert record.getMessage() == "BrokenEnd.__del__ failed"
    assert record.exc_info


def test_the_destructor_is_called_where_the_shutdown_fails() -> None:
    seen: list[str] = []

    class Gateway(Destroyed):
        pass

    function = entry_point(serve.ingress(failing(at_startup=False))(Gateway), seen)
    with pytest.raises(LifespanFailed):
        function.close()

    assert seen == ["del"]


def test_what_a_failed_init_had_made_is_destroyed() -> None:
    seen: list[str] = []

    class Gateway(DestroyedLater):
        pass

    with pytest.raises(LifespanFailed):
        entry_point(serve.ingress(failing(at_startup=True))(Gateway), seen)

    assert seen == ["del"]


class Checked:
    """Is healthy until it is told otherwise."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.checks = 0

    def check_health(self) -> None:
        self.checks += 1
        if self.failure is not None:
            raise self.failure

    def fail(self) -> None:
        self.failure = LookupError("lost the model")

    def time_out(self) -> None:
        self.failure = TimeoutError("the database did not answer")

    def count(self) -> int:
        return self.checks


class CheckedLater(Checked):
    async def check_health(self) -> None:  # type: ignore[override]  # may be async
        await asyncio.sleep(0)
        Checked.check_health(self)


both_checks = pytest.mark.parametrize("cls", [Checked, CheckedLater])


@both_checks
def test_health_is_checked_at_the_end_of_init(closing: Closing, cls: Any) -> None:
    assert closing(entry_point(cls))({"method": "count"}) == 1


@both_checks
def test_a_failing_health_check_is_a_failed_init(cls: Any) -> None:
    with pytest.raises(LookupError, match="no model"):
        entry_point(cls, LookupError("no model"))


def checked(closing: Closing, **options: Any) -> Function:
    return closing(entry_point(serve.deployment(**options)(Checked)))


def test_health_is_checked_no_more_often_than_said(closing: Closing) -> None:
    function = checked(closing, health_check_period_s=3600)
    for _ in range(3):
        function.complete(function.idle_check())

    assert function({"method": "count"}) == 1


def test_health_is_checked_again_when_its_period_has_passed(closing: Closing) -> None:
    function = checked(closing, health_check_period_s=1e-9)
    function.complete(function.idle_check())
    function.complete(function.idle_check(int(time.time() * 1000) + 60_000))

    assert function({"method": "count"}) == 3


@both_checks
def test_an_environment_that_is_unhealthy_says_so_once(
    closing: Closing,
    caplog: pytest.LogCaptureFixture,
    cls: Any,
) -> None:
    function = closing(entry_point(serve.deployment(health_check_period_s=1e-9)(cls)))
    function({"method": "fail"})

    with pytest.raises(Unhealthy, match="lost the model"):
        function.complete(function.idle_check())

    (record,) = caplog.records
    assert record.getMessage() == f"{cls.__name__}: check_health failed"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)


class Stuck:
    def __init__(self) -> None:
        self.stuck = False

    async def check_health(self) -> None:
        if self.stuck:
            await asyncio.Event().wait()

    def get_stuck(self) -> None:
        self.stuck = True


def stuck(closing: Closing, **options: Any) -> Function:
    decorate = serve.deployment(health_check_period_s=1e-9, **options)
    function = closing(entry_point(decorate(Stuck)))
    function({"method": "get_stuck"})
    return function


def test_a_health_check_that_takes_too_long_has_failed(closing: Closing) -> None:
    function = stuck(closing, health_check_timeout_s=0.01)

    with pytest.raises(Unhealthy, match=r"took more than 0\.01 s"):
        function.complete(function.idle_check())


def test_a_health_check_that_the_deadline_cuts_short_has_not_failed(
    closing: Closing,
    caplog: pytest.LogCaptureFixture,
) -> None:
    function = stuck(closing)

    function.complete(function.idle_check(deadline_ms=int(time.time() * 1000)))

    assert "did not suffice for check_health" in caplog.text


def test_a_timeout_of_the_health_check_itself_is_a_failure(closing: Closing) -> None:
    function = checked(closing, health_check_period_s=1e-9, health_check_timeout_s=60)
    function({"method": "time_out"})

    with pytest.raises(Unhealthy, match="the database did not answer"):
        function.complete(function.idle_check(int(time.time() * 1000) + 30_000))


@pytest.mark.parametrize("make", [lambda: entry_point(Model), lambda: lambda_handler(FastAPI())])
def test_what_has_no_health_check_is_not_checked(closing: Closing, make: Any) -> None:
    function = closing(make())

    function.complete(function.idle_check())


def test_a_function_that_is_a_deployment_has_no_hooks() -> None:
    def shout(text: str) -> str:
        return text.upper()

    shout.check_health = shout.__del__ = None  # type: ignore[attr-defined]  # the user's own attributes
    function = entry_point(shout)
    function.complete(function.idle_check())

    assert function({"args": ["a"]}) == "A"
    function.close()


@pytest.mark.usefixtures("on_lambda")
def test_the_parts_of_init_are_timed(closing: Closing) -> None:
    class Gateway(Checked):
        pass

    function = closing(entry_point(serve.ingress(FastAPI())(Gateway)))

    assert list(function.init_ms) == ["constructor", "lifespan", "check_health"]
    assert all(duration > 0 for duration in function.init_ms.values())
    assert list(closing(lambda_handler(FastAPI())).init_ms) == ["lifespan"]


def failing(*, at_startup: bool) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if at_startup:
            raise FileNotFoundError("model.bin")
        yield
        raise FileNotFoundError("model.bin")

    return FastAPI(lifespan=lifespan)


@pytest.fixture
def on_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Lambda, and its emulators, tell an environment."""
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9")
    monkeypatch.setattr(function_module, "_made", [])


@pytest.mark.usefixtures("on_lambda")
@pytest.mark.parametrize("mode", ["auto", "on"])
def test_failing_startup_is_a_failed_init(mode: Any) -> None:
    with pytest.raises(LifespanFailed, match=r"model\.bin"):
        lambda_handler(failing(at_startup=True), lifespan=mode)
    with pytest.raises(LifespanFailed, match=r"model\.bin"):
        entry_point(serve.ingress(failing(at_startup=True))(type("Gateway", (), {})))


def test_failing_startup_is_not_noticed_where_lifespan_is_off(closing: Closing) -> None:
    function = closing(lambda_handler(failing(at_startup=True), lifespan="off"))

    assert ask(function, events.http_api(path="/openapi.json")).status == 200


@pytest.mark.usefixtures("on_lambda")
def test_failing_shutdown_still_closes_the_loop() -> None:
    function = lambda_handler(failing(at_startup=False))

    with pytest.raises(LifespanFailed):
        function.close()
    assert function.loop.is_closed()


async def raw(scope: Any, _receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


class Raw:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await raw(scope, receive, send)


@pytest.mark.parametrize("app", [raw, Raw()])
@pytest.mark.parametrize("mode", ["auto", "off"])
def test_any_asgi_application_is_served(closing: Closing, app: Any, mode: Any) -> None:
    function = closing(lambda_handler(app, lifespan=mode))

    assert ask(function, events.http_api(path="/x")).text == "/x"


@pytest.mark.usefixtures("on_lambda")
def test_lifespan_on_requires_an_application_that_has_one() -> None:
    with pytest.raises(LifespanFailed, match="does not support lifespan"):
        lambda_handler(raw, lifespan="on")


def test_factory_is_called_once(closing: Closing) -> None:
    called: list[str] = []

    async def factory() -> Any:
        called.append("factory")
        return raw

    function = closing(lambda_handler(factory))
    assert [ask(function, events.http_api()).status for _ in range(3)] == [200, 200, 200]
    assert called == ["factory"]


@pytest.mark.parametrize(
    "settings",
    [{"base_path": "/api"}, {"base_path": "api/"}, {"api_gateway_base_path": "/api"}],
)
def test_base_path_is_the_root_path(closing: Closing, settings: dict[str, Any]) -> None:
    app = FastAPI()

    @app.get("/x")
    def root(request: Request) -> str:
        return str(request.scope["root_path"])

    function = closing(lambda_handler(app, **settings))
    assert ask(function, events.http_api(path="/api/x")).json == "/api"
    assert ask(function, events.http_api(path="/x")).json == ""


def test_route_prefix_of_the_environment_is_the_root_path(
    closing: Closing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ADAPTER_ROUTE_PREFIX", "/api")
    app = FastAPI()

    @app.get("/x")
    def root(request: Request) -> str:
        return str(request.scope["root_path"])

    gateway = serve.ingress(app)(type("Gateway", (), {}))
    for function in (closing(lambda_handler(app)), closing(entry_point(gateway))):
        assert ask(function, events.http_api(path="/api/x")).json == "/api"


@pytest.mark.parametrize("mode", ["of", None, True, ""])
def test_unknown_lifespan_mode_is_refused(mode: Any) -> None:
    with pytest.raises(InvalidOption, match=f"lifespan={mode!r} must be 'auto', 'on' or 'off'"):
        lambda_handler(raw, lifespan=mode)


@pytest.mark.parametrize(
    "thing",
    [None, "main:app", serve.deployment(Model), serve.deployment(Model).bind()],
)
def test_what_is_no_application_is_refused(thing: Any) -> None:
    with pytest.raises(ServeError, match="needs an ASGI application or a factory") as caught:
        lambda_handler(thing)

    assert repr(thing) in str(caught.value)


@pytest.mark.usefixtures("on_lambda")
def test_factory_that_makes_no_application_is_refused() -> None:
    def make_app() -> None:
        """Forget to return."""

    with pytest.raises(ServeError, match="make_app must return an ASGI application"):
        lambda_handler(make_app)


def test_settings_have_defaults_and_come_from_the_environment() -> None:
    assert Settings.from_environment({}) == Settings(
        application="default", http=HttpSettings(base_path="/")
    )
    variables = {
        "ADAPTER_APPLICATION": "shop",
        "ADAPTER_MAX_BODY_BYTES": "1024",
        "ADAPTER_RAISE_ERRORS": "1",
        "ADAPTER_ROUTE_PREFIX": "/api",
        "ADAPTER_TRUSTED_HOPS": "1",
    }
    expected = Settings(
        application="shop",
        http=HttpSettings(
            base_path="/api",
            trusted_hops=1,
            max_body_bytes=1024,
            raise_errors=True,
        ),
    )
    assert Settings.from_environment(variables) == expected


def test_exit_passes(closing: Closing) -> None:
    class Exiting:
        async def leave(self) -> None:
            raise SystemExit(3)

    function = closing(entry_point(Exiting))
    with pytest.raises(SystemExit):
        function({"method": "leave"})

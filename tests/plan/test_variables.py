import pytest

from adapter.plan.variables import place
from tests.plan.programs import Program


@pytest.mark.parametrize(
    ("prefix", "more"),
    [(None, {}), ("/", {}), ("/api", {"ADAPTER_ROUTE_PREFIX": "/api"})],
)
def test_place_is_what_settings_read(prefix: str | None, more: dict[str, str]) -> None:
    expected = {"ADAPTER_APPLICATION": "shop", "ADAPTER_INGRESS": "Gateway", **more}

    assert place("shop", "Gateway", prefix) == expected


def test_function_is_told_how_to_serve(program: Program) -> None:
    plan = program.plan(
        """
        options = serve.LambdaOptions(
            url="stream",
            background="report",
            request_timeout_s=0.5,
            shutdown_extension=True,
            raise_errors=True,
            trusted_hops=1,
            max_body_bytes=1024,
            metrics_namespace="shop/prod",
        )

        @serve.deployment(lambda_options=options)
        def gateway(): ...

        app = gateway.bind()
        """,
    )

    [function] = plan.functions
    assert function.environment == {
        "ADAPTER_APPLICATION": "default",
        "ADAPTER_BACKGROUND": "report",
        "ADAPTER_INGRESS": "gateway",
        "ADAPTER_MAX_BODY_BYTES": "1024",
        "ADAPTER_METRICS_NAMESPACE": "shop/prod",
        "ADAPTER_RAISE_ERRORS": "1",
        "ADAPTER_REQUEST_TIMEOUT_S": "0.5",
        "ADAPTER_STREAMS": "url",
        "ADAPTER_TRUSTED_HOPS": "1",
    }
    assert function.shutdown_extension


def test_every_function_is_told_how_many_calls_may_wait(program: Program) -> None:
    plan = program.plan(
        """
        @serve.deployment(max_queued_requests=7)
        class Model:
            pass

        @serve.deployment
        class Gateway:
            def __init__(self, model): ...
            def __call__(self, request): ...

        app = Gateway.bind(Model.bind())
        """,
    )

    told = {function.environment["ADAPTER_QUEUES"] for function in plan.functions}
    assert told == {"Model:7"}

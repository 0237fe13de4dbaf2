"""Plans made by hand, and the cases whose templates are pinned in tests/golden."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapter.plan.values import ApplicationPlan, Concurrency, FunctionPlan, FunctionUrl
from adapter.template.settings import BuildSettings

TARGET = "shop:app"


def function(name: str, **options: Any) -> FunctionPlan:
    """Plan a deployment of class `name` in the module shop."""
    return FunctionPlan(
        name=name,
        deployment=options.pop("deployment", name),
        application=options.pop("application", "default"),
        is_ingress=options.pop("is_ingress", False),
        folder=options.pop("folder", name.lower()),
        logical_id=options.pop("logical_id", name),
        entry_point=options.pop("entry_point", entry_point(name)),
        **options,
    )


def entry_point(name: str, module: str = "shop") -> str:
    return (
        f'"""Entry point of deployment {name}. Written by `adapter build {TARGET}`."""\n\n'
        "from adapter.function import entry_point\n"
        f"from {module} import {name}\n\n"
        f"handler = entry_point({name})\n"
    )


def application(ingress: FunctionPlan, *others: FunctionPlan, **options: Any) -> ApplicationPlan:
    """Plan an application of an ingress and other functions."""
    return ApplicationPlan(
        name=options.pop("name", "default"),
        target=options.pop("target", TARGET),
        route_prefix=options.pop("route_prefix", "/"),
        ingress=ingress.name,
        functions=(ingress, *others),
        **options,
    )


def gateway(**options: Any) -> FunctionPlan:
    variables = {"ADAPTER_APPLICATION": "default", "ADAPTER_INGRESS": "Gateway"}
    return function("Gateway", is_ingress=True, environment=variables, **options)


def settings(app_dir: Path = Path(), output: Path = Path(), **options: Any) -> BuildSettings:
    return BuildSettings(
        app_dir=app_dir,
        output=output,
        runtime=options.pop("runtime", "python3.13"),
        **options,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    plan: ApplicationPlan
    settings: BuildSettings = field(default_factory=settings)


CASES = {
    "one_function": Case(plan=application(gateway())),
    "handles": Case(
        plan=application(
            gateway(calls=("Keywords", "Sentiment")),
            function("Keywords", calls=("Gateway",)),
            function("Sentiment", exec_wrapper=False, memory_mb=2048, timeout_s=60),
        ),
    ),
    "concurrency": Case(
        plan=application(
            gateway(
                calls=("Capped", "Scaled"),
                concurrency=Concurrency(provisioned=2, maximum=2),
            ),
            function("Capped", calls=("Scaled",), concurrency=Concurrency(maximum=5)),
            function(
                "Scaled",
                concurrency=Concurrency(
                    provisioned=1,
                    maximum=10,
                    scales=True,
                    target_utilization=0.5,
                ),
            ),
        ),
    ),
    "route_prefix": Case(
        plan=application(
            function(
                "shop-Gateway",
                deployment="Gateway",
                application="shop",
                logical_id="ShopGateway",
                folder="shop_gateway",
                is_ingress=True,
                calls=("Payments",),  # of another application
            ),
            name="shop",
            route_prefix="/shop/v1",
        ),
    ),
    "no_http": Case(
        plan=application(
            function("Model", ephemeral_storage_mb=2048, requirements=("numpy",)),
            route_prefix=None,
        ),
        settings=settings(architecture="arm64", runtime="python3.11"),
    ),
    "function_urls": Case(
        plan=application(
            gateway(url=FunctionUrl(streams=True), shutdown_extension=True),
            function("Public", url=FunctionUrl(streams=True, public=True)),
            function(
                "Warm",
                concurrency=Concurrency(provisioned=1, maximum=1),
                url=FunctionUrl(streams=False, public=True),
            ),
            route_prefix="/shop/v1",
        ),
    ),
    "managed_instances": Case(
        plan=application(
            gateway(
                calls=("Model",),
                capacity_provider="arn:aws:lambda:eu-central-1:123456789012:capacity-provider:web",
                concurrency=Concurrency(provisioned=1, maximum=1, managed=True),
                max_concurrency=64,
                memory_mb=2048,
                url=FunctionUrl(streams=True),
            ),
            function(
                "Model",
                capacity_provider="models",
                concurrency=Concurrency(provisioned=0, maximum=4, managed=True),
                max_concurrency=8,
                memory_mb=16_384,
                shutdown_extension=True,
            ),
        ),
    ),
    "quoting": Case(
        plan=application(
            function(
                "Gateway",
                is_ingress=True,
                environment={
                    "CLOUDFORMATION": "${AWS::StackName}",
                    "COMMENT": "a # b",
                    "DATE": "2026-01-01",
                    "EMPTY": "",
                    "LONG": " ".join(["word"] * 60),
                    "NUMBER": "1",
                    "TIMEOUT": "5",
                    "Timeout": "five",
                    "TRUTH": "no",
                    "TWO_LINES": "one\ntwo",
                    "UNICODE": "Grüße",
                },
            ),
        ),
    ),
}

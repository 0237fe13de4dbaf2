"""Plans made by hand, and the cases whose templates are pinned in tests/golden."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from adapter.plan.values import (
    ApiPlan,
    ApplicationPlan,
    Concurrency,
    FunctionPlan,
    FunctionUrl,
    SocketApiPlan,
    SocketRoute,
    StackPlan,
)
from adapter.serve.capacity_providers import CapacityProvider
from adapter.serve.cors import Cors
from adapter.serve.event_sources import EventBridgeRule, S3Bucket, Schedule, SQSQueue
from adapter.serve.vpc import VpcConfig
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


def application(ingress: FunctionPlan, *others: FunctionPlan, **options: Any) -> StackPlan:
    """Plan an application of an ingress and other functions, alone in its stack."""
    name = options.pop("name", "default")
    plan = ApplicationPlan(
        name=name,
        target=options.pop("target", TARGET),
        route_prefix=options.pop("route_prefix", "/"),
        ingress=ingress.name,
        functions=tuple(replace(one, application=name) for one in (ingress, *others)),
        **options,
    )
    return StackPlan(target=plan.target, applications=(plan,))


def stack(*alone: StackPlan, target: str = "shop.yaml") -> StackPlan:
    """Put applications, each alone in its stack, into one."""
    applications = tuple(plan for one in alone for plan in one.applications)
    return StackPlan(target=target, applications=applications)


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


PROVIDER = CapacityProvider(
    subnet_ids=("subnet-0a1b2c3d", "subnet-1a1b2c3d"),
    security_group_ids=("sg-0a1b2c3d",),
)
MANAGED: dict[str, Any] = {
    "concurrency": Concurrency(provisioned=1, maximum=2, managed=True),
    "max_concurrency": 16,
    "memory_mb": 2048,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    plan: StackPlan
    settings: BuildSettings = field(default_factory=settings)


CORS = Cors(
    allow_origins=("https://shop.example",),
    allow_methods=("GET", "POST"),
    allow_headers=("authorization", "content-type"),
    expose_headers=("x-request-id",),
    max_age_s=3600,
    allow_credentials=True,
)
INGRESS = {"ADAPTER_APPLICATION": "default", "ADAPTER_INGRESS": "Gateway"}
SHARED = {"ADAPTER_SHARED": "Gateway:api,Ner:models,Sentiment:api,Summary:models"}
SHARED_ENTRY_POINT = """\
from adapter.function import shared_entry_point
from adapter.serve import DeploymentHandle
from shop import Gateway, Sentiment

handler = shared_entry_point(
    Sentiment.bind(),
    Gateway.bind(DeploymentHandle("Sentiment"), DeploymentHandle("Ner")),
    default="Gateway",
)
"""

CASES = {
    "network": Case(
        plan=application(
            gateway(
                calls=("Model",),
                tracing=True,
                log_retention_days=365,
                vpc=VpcConfig(
                    subnet_ids=("subnet-0a1b2c3d", "subnet-1a1b2c3d"),
                    security_group_ids=("sg-0a1b2c3d",),
                ),
            ),
            function(
                "Model",
                shutdown_extension=True,
                layers=("arn:aws:lambda:eu-central-1:123456789012:layer:fonts:7",),
                policies=(
                    "AmazonBedrockLimitedAccess",
                    "arn:aws:iam::123456789012:policy/team",
                    {
                        "Effect": "Allow",
                        "Action": ["dynamodb:GetItem"],
                        "Resource": (
                            "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/items"
                        ),
                        "Condition": {"StringEquals": {"aws:PrincipalTag/team": "${!aws:user}"}},
                    },
                ),
            ),
        ),
    ),
    "platforms": Case(
        plan=application(
            gateway(concurrency=Concurrency(provisioned=1)),
            function("Model", architecture="arm64", requirements=("numpy",)),
            function("Older", architecture="arm64", runtime="python3.12"),
        ),
    ),
    "asynchronous": Case(
        plan=application(
            gateway(
                calls=("Bucket", "Bus", "Queue", "Topic"),
                concurrency=Concurrency(provisioned=1),
                maximum_event_age_s=3600,
                maximum_retry_attempts=0,
                on_failure="arn:aws:lambda:eu-central-1:123456789012:function:failed",
            ),
            function("Bucket", on_failure="arn:aws:s3:::failed-${AWS::StackName}"),
            function("Bus", on_failure="arn:aws:events:eu-central-1:123456789012:event-bus/bus"),
            function("Queue", on_failure="queue", maximum_retry_attempts=1),
            function("Topic", on_failure="arn:aws:sns:eu-central-1:123456789012:failed"),
        ),
    ),
    "snap_start": Case(
        plan=application(
            gateway(calls=("Model",), snap_start=True, url=FunctionUrl(streams=True)),
            function("Model", snap_start=True, concurrency=Concurrency(maximum=5)),
        ),
    ),
    "images": Case(
        plan=application(
            gateway(calls=("Model",)),
            function(
                "Model",
                package="image",
                architecture="arm64",
                memory_mb=4096,
                requirements=("torch",),
                shutdown_extension=True,
            ),
            function("Plain", package="image", exec_wrapper=False, snap_start=True),
        ),
    ),
    "only_images": Case(plan=application(gateway(package="image"))),
    "capacity_providers": Case(
        plan=application(
            gateway(capacity_provider="default", new_capacity_provider=PROVIDER, **MANAGED),
            function(
                "Model", capacity_provider="default", new_capacity_provider=PROVIDER, **MANAGED
            ),
            function(
                "Large",
                architecture="arm64",
                capacity_provider="large",
                new_capacity_provider=CapacityProvider(
                    name="large",
                    subnet_ids=("subnet-2a1b2c3d",),
                    security_group_ids=("sg-0a1b2c3d",),
                    allowed_types=("m8g.4xlarge",),
                    max_vcpus=64,
                    target_cpu_percent=60,
                ),
                **MANAGED,
            ),
        ),
    ),
    "one_function": Case(plan=application(gateway(), api=ApiPlan(public=True))),
    "private_api": Case(plan=application(gateway())),
    "cors": Case(
        plan=application(
            gateway(url=FunctionUrl(streams=True, cors=CORS)),
            api=ApiPlan(cors=CORS),
        ),
    ),
    "public_cors": Case(plan=application(gateway(), api=ApiPlan(public=True, cors=CORS))),
    "rest_streaming": Case(
        plan=application(
            function(
                "Gateway",
                is_ingress=True,
                environment={"ADAPTER_STREAMS": "rest"},
                timeout_s=120,
                concurrency=Concurrency(provisioned=1, maximum=1),
            ),
            route_prefix="/shop",
            api=ApiPlan(kind="rest"),
        ),
    ),
    "several_fronts": Case(
        plan=stack(
            application(gateway(), api=ApiPlan(public=True)),
            application(
                function(
                    "chat-Gateway",
                    deployment="Gateway",
                    logical_id="ChatGateway",
                    folder="chat_gateway",
                    is_ingress=True,
                ),
                name="chat",
                route_prefix="/chat",
                api=ApiPlan(kind="rest", public=True),
            ),
            application(
                function(
                    "raw-Gateway",
                    deployment="Gateway",
                    logical_id="RawGateway",
                    folder="raw_gateway",
                    is_ingress=True,
                    url=FunctionUrl(streams=False),
                ),
                name="raw",
                route_prefix="/raw",
                api=None,
            ),
        ),
    ),
    "own_resources": Case(
        plan=application(gateway(), api=ApiPlan(public=True)),
        settings=settings(template=Path(__file__).parent / "infrastructure.yaml"),
    ),
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
    "several_applications": Case(
        plan=stack(
            application(gateway(calls=("billing-Prices",))),
            application(
                function(
                    "billing-Prices",
                    deployment="Prices",
                    logical_id="BillingPrices",
                    folder="billing_prices",
                    is_ingress=True,
                    concurrency=Concurrency(provisioned=1, maximum=1),
                ),
                name="billing",
                route_prefix="/billing",
            ),
            application(
                function(
                    "jobs-Nightly",
                    deployment="Nightly",
                    logical_id="JobsNightly",
                    folder="jobs_nightly",
                    is_ingress=True,
                    calls=("billing-Prices",),
                ),
                name="jobs",
                route_prefix=None,
            ),
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
    "web_socket": Case(
        plan=application(
            function("Chat", is_ingress=True, environment={"ADAPTER_SOCKETS": "shopWs=/shop/ws"}),
            route_prefix="/shop",
            socket_routes=("/shop/ws", "/shop/chat/{room}"),
            socket_api=SocketApiPlan(
                routes=(
                    SocketRoute(path="/shop/ws", stage="shopWs"),
                    SocketRoute(path="/shop/chat/{room}", stage="shopChatRoom"),
                ),
            ),
        ),
    ),
    "shared_function": Case(
        plan=application(
            function(
                "api",
                deployment="Gateway",
                hosts=("Sentiment",),
                is_ingress=True,
                logical_id="Api",
                environment={**INGRESS, **SHARED},
                calls=("models",),
                memory_mb=1024,
                entry_point=SHARED_ENTRY_POINT,
            ),
            function(
                "models",
                deployment="Ner",
                hosts=("Summary",),
                logical_id="Models",
                environment=SHARED,
                calls=("api",),
                concurrency=Concurrency(provisioned=1, maximum=2),
            ),
        ),
    ),
    "large_payloads": Case(
        plan=application(
            gateway(calls=("Model",), large_payloads=True),
            function("Model", large_payloads=True),
        ),
    ),
    "events": Case(
        plan=application(
            gateway(
                events=(Schedule("rate(5 minutes)", method="refresh"),),
                secrets={
                    "API_KEY": "ssm:/prod/api-key",
                    "DB_PASSWORD": "secretsmanager:prod/db:password",
                    "DB_USER": "secretsmanager:prod/db:user",
                },
            ),
            function(
                "Model",
                concurrency=Concurrency(provisioned=1, maximum=5),
                timeout_s=60,
                events=(
                    Schedule(
                        "cron(0 8 ? * MON-FRI *)",
                        method="refresh",
                        input={"depth": 2},
                        timezone="Europe/Berlin",
                    ),
                    SQSQueue(
                        "orders",
                        method="handle",
                        batch_size=50,
                        maximum_batching_window_s=5,
                        maximum_concurrency=4,
                    ),
                    SQSQueue("${Elsewhere}", method="handle"),
                    S3Bucket("uploads", method="uploaded", prefix="in/", suffix=".csv"),
                    S3Bucket("uploads", method="removed", events=["s3:ObjectRemoved:*"]),
                    EventBridgeRule(
                        {"source": ["shop"], "detail": {"state": ["paid", "sent"]}},
                        method="paid",
                        event_bus_name="shop",
                    ),
                ),
            ),
            function(
                "Ordered",
                events=(
                    SQSQueue("payments.fifo", method="pay"),
                    SQSQueue("arn:aws:sqs:eu-central-1:123456789012:refunds", method="pay"),
                    S3Bucket("${Archive}", method="archived"),
                ),
                secrets={
                    "TOKEN": "secretsmanager:${ServiceToken}:token",
                    "OTHER": "arn:aws:ssm:eu-central-1:123456789012:parameter/shared/key",
                },
            ),
        ),
        settings=settings(template=Path(__file__).parent / "event_sources.yaml"),
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

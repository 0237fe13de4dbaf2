"""Settings of one Lambda function that Ray Serve has no word for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from adapter.deadline import DEFAULT_MARGIN_MS
from adapter.errors import InvalidOption
from adapter.serve.aws_names import require_layer, require_policy, service_of
from adapter.serve.capacity_providers import CapacityProvider
from adapter.serve.checks import require_bool, require_choice, require_int, require_seconds
from adapter.serve.cors import Cors
from adapter.serve.event_sources import EventSource, event_sources
from adapter.serve.records import Record
from adapter.serve.secrets import require_secrets
from adapter.serve.vpc import VpcConfig

# https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
_FUNCTION = r"[A-Za-z0-9_-]{1,64}"
_VARIABLE_NAME = r"[A-Za-z][A-Za-z0-9_]+"
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
RESERVED_VARIABLES = ("AWS_", "LAMBDA_", "_HANDLER", "_X_AMZN_", "ADAPTER_")
URLS = ("buffered", "stream", "public-buffered", "public-stream", "none")
APIS = ("http", "public-http", "rest", "public-rest", "none")
SOCKETS = ("private", "public", "none")
BACKGROUND = ("wait", "report", "ignore")
RUNTIMES = ("python3.11", "python3.12", "python3.13", "python3.14")
ARCHITECTURES = ("x86_64", "arm64")
PACKAGES = ("zip", "image")
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MAX_LAYERS = 5
_OWN_LAYERS = 3  # the adapter, the dependencies, the application
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
DESTINATIONS = ("sqs", "sns", "lambda", "events", "s3")
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-best-practices.html
MANAGED_MEMORY_MB = (2048, 32_768)
# https://docs.aws.amazon.com/lambda/latest/api/API_GetCapacityProvider.html
_CAPACITY_PROVIDER = (
    r"(arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:capacity-provider:)?[A-Za-z0-9_-]{1,140}"
)
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
_METRICS_NAMESPACE = r"(?!AWS/)[A-Za-z0-9._/#-][A-Za-z0-9._/#:-]{0,254}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaOptions(Record):
    """How Lambda runs one deployment: `serve.deployment(lambda_options=LambdaOptions(...))`.

    `memory_mb` buys CPU too (1,769 MB is one vCPU) and is at least what `ray_actor_options` ask
    for; None means 512 MB or that. `timeout_s` bounds one invocation; `deadline_margin_ms` before
    its end, or a tenth of it where that is less, what still runs is cancelled, so that it can clean
    up and answer 504. `ephemeral_storage_mb` is the size of `/tmp`. `environment` holds plain
    environment variables, never secrets. `secrets` holds references to secrets by the names of
    variables, "ssm:/prod/api-key" or "secretsmanager:prod/db:password", never values: they are read
    when an environment starts, before the user's modules are imported. `calls` names deployments
    that are reached through handles the source does not show, so that the function may invoke them.
    `exec_wrapper=False` runs the function under AWS's own Python runtime client instead of the
    adapter's loop.

    `url` gives the function an HTTPS address of its own, besides the HTTP API: "stream" sends
    answers piece by piece, "buffered" whole. Callers sign their requests (AWS_IAM); with
    "public-stream" and "public-buffered" anybody may call. An ingress with routes that stream gets
    a streaming one by itself where nothing else carries them; "none" prevents that.

    `api`, on the ingress, is what of API Gateway HTTP reaches the application through: "http", an
    HTTP API, which buffers answers and waits for 30 s, or "rest", a REST API, which streams them.
    Callers sign their requests (AWS_IAM); with "public-http" and "public-rest" anybody may call.
    "none" is no API. None is an HTTP API, which is public where the build says so.

    `socket`, on the ingress, is who may connect to the WebSocket APIs of its WebSocket routes:
    "private" takes signed requests (AWS_IAM), "public" anybody, "none" is no API. None is private,
    or public where the build says so. `socket_paths` names the routes, as the application has them,
    where they cannot be found: those that a factory makes.

    `cors` is what the HTTP API and the function URL tell browsers of other origins. An application
    that does that itself, with CORSMiddleware, needs none.

    `capacity_provider` is the name, or the ARN, of a capacity provider of Lambda Managed Instances,
    or a `CapacityProvider`, which is made in the stack. The function then runs there, with 2,048 to
    32,768 MB, and one environment serves up to the deployment's `max_ongoing_requests` at once.

    `background` is what becomes of tasks, made with `asyncio.create_task`, that still run when a
    function has answered: "wait" for them until the deadline, "report" their names in a warning, or
    "ignore" them; in the last two cases they run on with the next invocation, if there is one.

    `raise_errors=True` makes an exception that the application does not handle a function error
    too, so that Lambda's Errors metric counts it; clients get the gateway's own 5xx then. Without,
    they get a 500 and the metric stays at 0.

    `trusted_hops` is the number of proxies in front of the gateway, such as a CloudFront
    distribution, whose X-Forwarded-For entries are believed when the client's address is read.
    `max_body_bytes` bounds the body of an HTTP request, which is answered with 413 above it; None
    is Lambda's own limit of 6 MB.

    `request_timeout_s`, on the ingress, is Ray Serve's: an HTTP request that takes longer (seconds)
    is cancelled and answered with 408. None is no limit but `timeout_s`.

    `shutdown_extension=True` adds a small external extension. Only where a function has one does
    Lambda send SIGTERM before it ends an environment (Python 3.12 and newer), so that the lifespan
    shutdown runs on AWS too, for 300 ms at most; it costs memory and some time in each cold start.

    `metrics_namespace` is where in CloudWatch the numbers of `adapter.serve.metrics` go; None is
    the stack's name.

    `architecture` ("x86_64", "arm64") and `runtime` ("python3.13") are those of the build where
    they are None. `package="image"` makes the function a container image, which may have 10 GB
    where a zip with its layers has 250 MB; `sam build` then needs a container engine. `layers` are
    ARNs of further layers, besides the adapter's own three.

    `vpc` puts the function into a VPC. `policies` are what it may do besides logging and calling
    the deployments that it has handles to: names or ARNs of managed policies, or IAM statements as
    dicts. `tracing=True` sends X-Ray segments. `log_retention_days` is how long its logs are kept.

    `snap_start=True` starts environments from a snapshot of one that has been initialised (Python
    3.12 and newer).

    `maximum_retry_attempts` (0 to 2) and `maximum_event_age_s` (60 to 21,600) are about calls that
    nobody waits for: how often Lambda tries again after an error, and for how long; None is twice,
    and six hours. `on_failure` is where it sends what it gave up: "queue" makes a queue for the
    function, an ARN names a queue, a topic, an event bus, a bucket or a function.

    `function` is the name of a function that deployments of an application share: those that say
    the same run in one process, and their handle calls are plain method calls. What they ask of the
    function must not contradict.

    `events` are what else the deployment is subscribed to: a `Schedule`, an `SQSQueue`, an
    `S3Bucket`, an `EventBridgeRule`.

    `large_payloads=True`, on any deployment of an application, lets handle calls between its
    deployments have arguments and results above Lambda's 6 MB: these travel through a bucket of the
    stack, which forgets them after a day.

    `ignore_checks` are codes of `adapter check`, such as "A207", that do not matter here.

    Raises `UnknownOption` for a name that is none of these, and `InvalidOption` for a value outside
    Lambda's limits
    (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
    """

    memory_mb: int | None = None
    timeout_s: int = 30
    deadline_margin_ms: int = DEFAULT_MARGIN_MS
    ephemeral_storage_mb: int = 512
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    calls: tuple[str, ...] = ()
    function: str | None = None
    exec_wrapper: bool = True
    url: Literal["buffered", "stream", "public-buffered", "public-stream", "none"] | None = None
    api: Literal["http", "public-http", "rest", "public-rest", "none"] | None = None
    socket: Literal["private", "public", "none"] | None = None
    socket_paths: tuple[str, ...] = ()
    cors: Cors | None = None
    capacity_provider: str | CapacityProvider | None = None
    background: Literal["wait", "report", "ignore"] = "wait"
    request_timeout_s: float | None = None
    shutdown_extension: bool = False
    raise_errors: bool = False
    trusted_hops: int = 0
    max_body_bytes: int | None = None
    metrics_namespace: str | None = None
    events: tuple[Mapping[str, Any] | EventSource, ...] = ()
    large_payloads: bool = False
    architecture: Literal["x86_64", "arm64"] | None = None
    runtime: Literal["python3.11", "python3.12", "python3.13", "python3.14"] | None = None
    package: Literal["zip", "image"] = "zip"
    layers: tuple[str, ...] = ()
    vpc: VpcConfig | None = None
    policies: tuple[str | Mapping[str, Any], ...] = ()
    tracing: bool = False
    log_retention_days: int = 30
    snap_start: bool = False
    maximum_retry_attempts: int | None = None
    maximum_event_age_s: int | None = None
    on_failure: str | None = None
    ignore_checks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._take_records()
        self._check_sizes()
        self._check_names()
        self._check_secrets()
        self._check_resources()
        self._check_asynchronous()
        self._check_snap_start()
        if self.url is not None:
            require_choice("url", self.url, URLS)
        if self.api is not None:
            require_choice("api", self.api, APIS)
        self._check_sockets()
        if self.cors is not None:
            object.__setattr__(self, "cors", Cors.of("cors", self.cors))
        require_choice("background", self.background, BACKGROUND)
        require_bool("exec_wrapper", self.exec_wrapper)
        require_bool("shutdown_extension", self.shutdown_extension)
        require_bool("raise_errors", self.raise_errors)
        require_bool("large_payloads", self.large_payloads)
        require_int("trusted_hops", self.trusted_hops, least=0, most=100)
        if self.max_body_bytes is not None:
            require_int("max_body_bytes", self.max_body_bytes, least=1, most=6 * 1024 * 1024)
        if self.request_timeout_s is not None:
            require_seconds("request_timeout_s", self.request_timeout_s)
        if self.capacity_provider is not None:
            _require_capacity_provider(self.capacity_provider)
            self._check_managed()
        if self.metrics_namespace is not None:
            _require_namespace(self.metrics_namespace)

    def _take_records(self) -> None:
        """Make values of what a config file has as mappings and lists."""
        records: tuple[tuple[str, type[Record]], ...] = (
            ("vpc", VpcConfig),
            ("capacity_provider", CapacityProvider),
        )
        for name, kind in records:
            if isinstance(written := getattr(self, name), Mapping):
                object.__setattr__(self, name, kind.of(name, written))
        for name in ("ignore_checks", "layers", "policies", "socket_paths"):
            if isinstance(written := getattr(self, name), list):
                object.__setattr__(self, name, tuple(written))
        object.__setattr__(self, "events", event_sources(self.events))

    def _check_resources(self) -> None:
        if self.architecture is not None:
            require_choice("architecture", self.architecture, ARCHITECTURES)
        if self.runtime is not None:
            require_choice("runtime", self.runtime, RUNTIMES)
        require_choice("package", self.package, PACKAGES)
        _require_vpc(self.vpc)
        require_bool("tracing", self.tracing)
        require_choice("log_retention_days", self.log_retention_days, RETENTION_DAYS)
        for name, check in (("layers", require_layer), ("policies", require_policy)):
            values: object = getattr(self, name)
            if not isinstance(values, tuple):
                raise InvalidOption(f"{name}={values!r} must be a tuple.")
            for value in values:
                check(value)
        self._check_layers()

    def _check_layers(self) -> None:
        if self.layers and self.package == "image":
            raise InvalidOption(
                'layers with package="image": an image has no layers of Lambda. Install what they '
                "hold through requirements.txt.",
            )
        free = _MAX_LAYERS - _OWN_LAYERS - self.shutdown_extension
        if len(self.layers) > free:
            own = _OWN_LAYERS + self.shutdown_extension
            raise InvalidOption(
                f"layers has {len(self.layers)}: Lambda allows {_MAX_LAYERS} and the adapter needs "
                f'{own} of them, which leaves {free}. package="image" has no such limit.',
            )

    def _check_asynchronous(self) -> None:
        if self.maximum_retry_attempts is not None:
            name = "maximum_retry_attempts"
            require_int(name, self.maximum_retry_attempts, least=0, most=2)
        if self.maximum_event_age_s is not None:
            require_int("maximum_event_age_s", self.maximum_event_age_s, least=60, most=21_600)
        if self.on_failure in (None, "queue"):
            return
        if service_of(self.on_failure) not in DESTINATIONS or self.on_failure.endswith(".fifo"):
            raise InvalidOption(
                f"on_failure={self.on_failure!r} must be 'queue' or the ARN of a standard queue, a "
                "standard topic, an event bus, a bucket or a function.",
            )

    def _check_snap_start(self) -> None:
        require_bool("snap_start", self.snap_start)
        if self.snap_start and self.capacity_provider is not None:
            raise InvalidOption(
                "snap_start with capacity_provider: environments on Managed Instances are not "
                "started from snapshots; choose one of the two.",
            )
        if self.snap_start and self.ephemeral_storage_mb > 512:
            raise InvalidOption(
                f"snap_start with ephemeral_storage_mb={self.ephemeral_storage_mb}: Lambda takes "
                "snapshots of functions with 512 MB of /tmp only.",
            )

    def _check_managed(self) -> None:
        if self.vpc is not None:
            raise InvalidOption(
                "vpc with capacity_provider: a function on Managed Instances is in the VPC of its "
                "capacity provider; remove vpc.",
            )

    def _check_sockets(self) -> None:
        if self.socket is not None:
            require_choice("socket", self.socket, SOCKETS)
        paths: object = self.socket_paths
        if not isinstance(paths, tuple) or not all(
            isinstance(path, str) and path.startswith("/") for path in paths
        ):
            raise InvalidOption(
                f"socket_paths={paths!r} must be a tuple of paths that begin with '/': ('/ws',).",
            )

    def _check_sizes(self) -> None:
        if self.memory_mb is not None and self.capacity_provider is None:
            require_int("memory_mb", self.memory_mb, least=128, most=10_240)
        elif self.memory_mb is not None:
            where = "with capacity_provider (Managed Instances), memory_mb"
            least, most = MANAGED_MEMORY_MB
            require_int(where, self.memory_mb, least=least, most=most)
        require_int("timeout_s", self.timeout_s, least=1, most=900)
        require_int("deadline_margin_ms", self.deadline_margin_ms, least=0, most=60_000)
        require_int("ephemeral_storage_mb", self.ephemeral_storage_mb, least=512, most=10_240)

    def _check_names(self) -> None:
        calls: object = self.calls
        if not isinstance(calls, tuple) or not all(isinstance(name, str) for name in calls):
            raise InvalidOption(f"calls={self.calls!r} must be a tuple of deployment names.")
        function: object = self.function
        if function is not None and not (
            isinstance(function, str) and re.fullmatch(_FUNCTION, function)
        ):
            raise InvalidOption(
                f"function={function!r} must be a name of letters, digits, hyphens and "
                "underscores, for example 'models'.",
            )
        codes: object = self.ignore_checks
        if not isinstance(codes, tuple) or not all(isinstance(code, str) for code in codes):
            raise InvalidOption(
                f"ignore_checks={codes!r} must be a tuple of codes of `adapter check`: ('A207',).",
            )
        environment: object = self.environment
        if not isinstance(environment, Mapping):
            raise InvalidOption(f"environment={environment!r} must be a dict of strings.")
        for name, value in environment.items():
            _require_variable(name, value)

    def _check_secrets(self) -> None:
        require_secrets(self.secrets)
        for name in self.secrets:
            _require_variable(name, "")
            if name in self.environment:
                raise InvalidOption(
                    f"{name} is in secrets and in environment; remove it from environment.",
                )


def _require_vpc(value: object) -> None:
    if value is not None and not isinstance(value, VpcConfig):
        raise InvalidOption(
            f"vpc={value!r} must be a VpcConfig(subnet_ids=[...], security_group_ids=[...]).",
        )


def _require_capacity_provider(value: object) -> None:
    if isinstance(value, CapacityProvider):
        return
    if not isinstance(value, str) or not re.fullmatch(_CAPACITY_PROVIDER, value):
        raise InvalidOption(
            f"capacity_provider={value!r} must be the name of a capacity provider or its ARN, "
            "arn:aws:lambda:<region>:<account>:capacity-provider:<name>.",
        )


def _require_namespace(value: object) -> None:
    if not isinstance(value, str) or not re.fullmatch(_METRICS_NAMESPACE, value):
        raise InvalidOption(
            f"metrics_namespace={value!r} must be up to 255 letters, digits and ._/#:-, the first "
            "one no colon, and must not begin with AWS/.",
        )


def _require_variable(name: object, value: object) -> None:
    if not isinstance(name, str) or not re.fullmatch(_VARIABLE_NAME, name):
        raise InvalidOption(
            f"environment variable {name!r} must be two or more letters, digits and underscores, "
            "the first one a letter.",
        )
    if name.startswith(RESERVED_VARIABLES):
        raise InvalidOption(
            f"environment variable {name!r} is reserved; choose a name that does not start with "
            f"one of {', '.join(RESERVED_VARIABLES)}.",
        )
    if not isinstance(value, str):
        raise InvalidOption(f"environment variable {name}={value!r} must be a string.")

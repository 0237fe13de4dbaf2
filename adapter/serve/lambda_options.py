"""Settings of one Lambda function that Ray Serve has no word for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from adapter.deadline import DEFAULT_MARGIN_MS
from adapter.errors import InvalidOption
from adapter.serve.checks import require_bool, require_choice, require_int, require_seconds
from adapter.serve.records import Record

_VARIABLE_NAME = r"[A-Za-z][A-Za-z0-9_]+"
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
RESERVED_VARIABLES = ("AWS_", "LAMBDA_", "_HANDLER", "_X_AMZN_", "ADAPTER_")
URLS = ("buffered", "stream", "public-buffered", "public-stream")
BACKGROUND = ("wait", "report", "ignore")
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
    environment variables, never secrets. `calls` names deployments that are reached through handles
    the source does not show, so that the function may invoke them. `exec_wrapper=False` runs the
    function under AWS's own Python runtime client instead of the adapter's loop.

    `url` gives the function an HTTPS address of its own, besides the HTTP API: "stream" sends
    answers piece by piece, "buffered" whole. Callers sign their requests (AWS_IAM); with
    "public-stream" and "public-buffered" anybody may call.

    `capacity_provider` is the name, or the ARN, of a capacity provider of Lambda Managed Instances.
    The function then runs there, with 2,048 to 32,768 MB, and one environment serves up to the
    deployment's `max_ongoing_requests` at once.

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

    Raises `UnknownOption` for a name that is none of these, and `InvalidOption` for a value outside
    Lambda's limits
    (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
    """

    memory_mb: int | None = None
    timeout_s: int = 30
    deadline_margin_ms: int = DEFAULT_MARGIN_MS
    ephemeral_storage_mb: int = 512
    environment: Mapping[str, str] = field(default_factory=dict)
    calls: tuple[str, ...] = ()
    exec_wrapper: bool = True
    url: Literal["buffered", "stream", "public-buffered", "public-stream"] | None = None
    capacity_provider: str | None = None
    background: Literal["wait", "report", "ignore"] = "wait"
    request_timeout_s: float | None = None
    shutdown_extension: bool = False
    raise_errors: bool = False
    trusted_hops: int = 0
    max_body_bytes: int | None = None
    metrics_namespace: str | None = None

    def __post_init__(self) -> None:
        self._check_sizes()
        self._check_names()
        if self.url is not None:
            require_choice("url", self.url, URLS)
        require_choice("background", self.background, BACKGROUND)
        require_bool("exec_wrapper", self.exec_wrapper)
        require_bool("shutdown_extension", self.shutdown_extension)
        require_bool("raise_errors", self.raise_errors)
        require_int("trusted_hops", self.trusted_hops, least=0, most=100)
        if self.max_body_bytes is not None:
            require_int("max_body_bytes", self.max_body_bytes, least=1, most=6 * 1024 * 1024)
        if self.request_timeout_s is not None:
            require_seconds("request_timeout_s", self.request_timeout_s)
        if self.capacity_provider is not None:
            _require_capacity_provider(self.capacity_provider)
        if self.metrics_namespace is not None:
            _require_namespace(self.metrics_namespace)

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
        environment: object = self.environment
        if not isinstance(environment, Mapping):
            raise InvalidOption(f"environment={environment!r} must be a dict of strings.")
        for name, value in environment.items():
            _require_variable(name, value)


def _require_capacity_provider(value: object) -> None:
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

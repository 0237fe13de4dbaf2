"""What an application becomes on Lambda: frozen values that template and local both read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from adapter.serve.capacity_providers import CapacityProvider
from adapter.serve.cors import Cors
from adapter.serve.event_sources import EventSource
from adapter.serve.vpc import VpcConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """How many environments a function keeps warm and may grow to.

    `provisioned` environments are kept warm (0: it scales from zero). `maximum` caps them; None
    is no cap but the account's. `scales` says that the warm ones grow between `provisioned` and
    `maximum` with use, aiming at `target_utilization` (0.1 to 0.9). On Lambda Managed Instances
    (`managed`) both are what Lambda itself scales between.
    """

    provisioned: int = 0
    maximum: int | None = None
    scales: bool = False
    target_utilization: float = 0.7
    managed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionUrl:
    """The HTTPS address that Lambda gives a function of its own.

    With `streams` an answer goes out as it is made, else when it is complete. A `public` URL takes
    anyone's requests; any other one takes requests that are signed (AWS_IAM). `cors` is what it
    tells browsers. `automatic` is one that nobody has asked for: its routes stream.
    https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
    """

    streams: bool
    public: bool = False
    cors: Cors | None = None
    automatic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiPlan:
    """What of API Gateway brings HTTP to an application.

    "http" is an HTTP API, which buffers answers, "rest" a REST API, which streams them. A `public`
    one takes anyone's requests; any other one takes requests that are signed (AWS_IAM). `chosen`
    says that the program decides that; else it is up to the build. `cors` is what it tells
    browsers.
    """

    kind: Literal["http", "rest"] = "http"
    public: bool = False
    chosen: bool = False
    cors: Cors | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketRoute:
    """A WebSocket route, and the stage of API Gateway that stands for it."""

    path: str
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketApiPlan:
    """What of API Gateway brings WebSockets to an application: an API for each route.

    `public` and `chosen` are as in `ApiPlan`.
    """

    routes: tuple[SocketRoute, ...]
    public: bool = False
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """A deployment of another application, which a function holds a handle to."""

    deployment: str
    application: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionPlan:
    """One deployment as one Lambda function, or several that share it.

    `name` is the function's name behind the stack's: `${StackName}-<name>`; it is the deployment's
    name, with `<application>-` in front where the application is not called "default".
    `folder` is the folder below `functions/`, `logical_id` its CloudFormation id.
    `deployment` is what HTTP reaches, and calls that name none; where deployments share the
    function, `hosts` are the others, and `name` is what they call it.
    `entry_point` is the whole text of `functions/<folder>/<module>.py`; `module` is "app", unless
    the user's own code has a module of that name, which the entry point would hide.
    `calls` are the `name`s of the functions it holds handles to. `outside_calls` are deployments of
    other applications; `stack_plan` makes `calls` of those that are in the stack.
    `environment` are the variables that AWS and the local server set alike, sorted by name.
    `requirements` are this deployment's own pip requirements (Ray's `runtime_env`).
    `max_concurrency` is how many invocations one environment takes at once: 1, unless
    `capacity_provider` is the name or ARN of a capacity provider of Lambda Managed Instances.
    `events` are what it is subscribed to besides calls and requests. `secrets` are references to
    secrets by the names of variables, which it reads when it starts.
    With `large_payloads` its handle calls may have arguments and results that travel through S3.
    `log_format` is how it logs, and `log_level` from which level on, in Lambda's words; None leaves
    that to Lambda. Of text `environment` says it, because Lambda cannot.
    `shutdown_extension` adds the layer that makes Lambda send SIGTERM to an environment at its end.
    `architecture` and `runtime` are those of the build where they are None. `package` is how its
    code reaches Lambda, `layers` are the ARNs of layers besides ours.
    `policies` are names or ARNs of managed policies, and IAM statements, besides what the adapter
    gives a function itself. `log_retention_days` is how long CloudWatch keeps its logs.
    `new_capacity_provider` is made in the stack; `capacity_provider` is its name then.
    `snap_start` says that environments start from a snapshot of an initialised one.
    `maximum_retry_attempts`, `maximum_event_age_s` and `on_failure` are about asynchronous
    invocations; None leaves them to Lambda. `on_failure` is an ARN, or "queue": one that is made.
    `dynamic_handles` are the places of the source that ask for a handle by a name known only when
    it runs; `ignore_checks` are the codes of `adapter check` that do not matter here.
    `notes` are sentences to tell the user once, at build time.
    """

    name: str
    deployment: str
    application: str
    is_ingress: bool
    folder: str
    logical_id: str
    entry_point: str
    module: str = "app"
    hosts: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    outside_calls: tuple[Callee, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    memory_mb: int = 512
    timeout_s: int = 30
    ephemeral_storage_mb: int = 512
    exec_wrapper: bool = True
    large_payloads: bool = False
    concurrency: Concurrency = field(default_factory=Concurrency)
    max_ongoing_requests: int = 1
    max_concurrency: int = 1
    capacity_provider: str = ""
    url: FunctionUrl | None = None
    shutdown_extension: bool = False
    log_format: Literal["Text", "JSON"] = "Text"
    log_level: str | None = None
    architecture: str | None = None
    runtime: str | None = None
    package: Literal["zip", "image"] = "zip"
    layers: tuple[str, ...] = ()
    vpc: VpcConfig | None = None
    policies: tuple[str | Mapping[str, Any], ...] = ()
    tracing: bool = False
    log_retention_days: int = 30
    new_capacity_provider: CapacityProvider | None = None
    snap_start: bool = False
    maximum_retry_attempts: int | None = None
    maximum_event_age_s: int | None = None
    on_failure: str | None = None
    events: tuple[EventSource, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    dynamic_handles: tuple[str, ...] = ()
    ignore_checks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def deployments(self) -> tuple[str, ...]:
        """The deployments that run in the function, that which HTTP reaches first."""
        return (self.deployment, *self.hosts)

    @property
    def title(self) -> str:
        """What a person calls it: its deployment, or `models (Ner, Sentiment)`."""
        return f"{self.name} ({', '.join(self.deployments)})" if self.hosts else self.deployment

    @property
    def alias(self) -> str | None:
        """What callers must address: warm environments and snapshots are of published versions."""
        wanted = self.concurrency
        return "live" if wanted.provisioned or wanted.managed or self.snap_start else None

    @property
    def handler(self) -> str:
        """What Lambda calls the handler."""
        return f"{self.module}.handler"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePlan:
    """One HTTP route as a person reads it: `GET, POST  /prefix/items/{id}`.

    Routes are for showing. What is reachable is everything below the application's prefix.
    `example` is a JSON body to try the route with, where the examples of its model give one;
    `query` is a query string with what it requires, None where that cannot be guessed.
    `streams` says that the route is known to answer piece by piece.
    """

    methods: tuple[str, ...]
    path: str
    function: str
    example: str = ""
    query: str | None = ""
    streams: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationPlan:
    """One application: its functions, the one that HTTP reaches, and where.

    `target` is the TARGET as the user wrote it: module:attribute, with the arguments of an
    application builder, or a config file. `route_prefix` is None for an application that HTTP does
    not reach, `api` None for one that function URLs reach at most. `functions` are sorted with the
    ingress first, the others by name. `socket_routes` are the paths that want WebSocket
    connections, `socket_api` is what brings them there. With `own_cors` the application itself
    answers browsers of other origins. `notes` are sentences to tell the user once, besides those of
    the functions.
    """

    name: str
    target: str
    route_prefix: str | None
    ingress: str
    functions: tuple[FunctionPlan, ...]
    routes: tuple[RoutePlan, ...] = ()
    socket_routes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    api: ApiPlan | None = field(default_factory=ApiPlan)
    socket_api: SocketApiPlan | None = None
    own_cors: bool = False

    @property
    def front(self) -> ApiPlan | None:
        """The API that HTTP reaches the application through, None where there is none."""
        return None if self.route_prefix is None else self.api

    @property
    def all_notes(self) -> tuple[str, ...]:
        """The application's notes, then those of its functions, each once."""
        own = [note for function in self.functions for note in function.notes]
        return tuple(dict.fromkeys([*self.notes, *own]))

    def function(self, name: str) -> FunctionPlan:
        """Return the function of that `name`. Raises KeyError where there is none."""
        for function in self.functions:
            if function.name == name:
                return function
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPlan:
    """The applications that are deployed together, as one CloudFormation stack.

    `target` is the TARGET as the user wrote it. `applications` are in the order in which they were
    written; names of functions are unique over all of them.
    """

    target: str
    applications: tuple[ApplicationPlan, ...]

    @property
    def functions(self) -> tuple[FunctionPlan, ...]:
        """The functions of all applications."""
        return tuple(one for plan in self.applications for one in plan.functions)

    @property
    def all_notes(self) -> tuple[str, ...]:
        """The notes of all applications, each once."""
        return tuple(dict.fromkeys(note for plan in self.applications for note in plan.all_notes))

    def function(self, name: str) -> FunctionPlan:
        """Return the function of that `name`. Raises KeyError where there is none."""
        for function in self.functions:
            if function.name == name:
                return function
        raise KeyError(name)

    def application(self, name: str) -> ApplicationPlan:
        """Return the application of that `name`. Raises KeyError where there is none."""
        for plan in self.applications:
            if plan.name == name:
                return plan
        raise KeyError(name)


def alias_variables(aliases: Mapping[str, str | None]) -> dict[str, str]:
    """Return the variable that tells a function the aliases of its callees, by function name.

    Where no callee has one, nothing needs to be told.
    """
    pairs = [f"{name}:{alias}" for name, alias in sorted(aliases.items()) if alias]
    return {"ADAPTER_ALIASES": ",".join(pairs)} if pairs else {}

"""What an application becomes on Lambda: frozen values that template and local both read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


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

    @property
    def alias(self) -> str | None:
        """What callers must address: warm environments exist for a published version only."""
        return "live" if self.provisioned or self.managed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionUrl:
    """The HTTPS address that Lambda gives a function of its own.

    With `streams` an answer goes out as it is made, else when it is complete. A `public` URL takes
    anyone's requests; any other one takes requests that are signed (AWS_IAM).
    https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
    """

    streams: bool
    public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionPlan:
    """One deployment as one Lambda function.

    `name` is the function's name behind the stack's: `${StackName}-<name>`; it is the deployment's
    name, with `<application>-` in front where the application is not called "default".
    `folder` is the folder below `functions/`, `logical_id` its CloudFormation id.
    `entry_point` is the whole text of `functions/<folder>/<module>.py`; `module` is "app", unless
    the user's own code has a module of that name, which the entry point would hide.
    `calls` are the `name`s of the functions it holds handles to.
    `environment` are the variables that AWS and the local server set alike, sorted by name.
    `requirements` are this deployment's own pip requirements (Ray's `runtime_env`).
    `max_concurrency` is how many invocations one environment takes at once: 1, unless
    `capacity_provider` is the name or ARN of a capacity provider of Lambda Managed Instances.
    `log_format` is how it logs, and `log_level` from which level on, in Lambda's words; None leaves
    that to Lambda. Of text `environment` says it, because Lambda cannot.
    `shutdown_extension` adds the layer that makes Lambda send SIGTERM to an environment at its end.
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
    calls: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    memory_mb: int = 512
    timeout_s: int = 30
    ephemeral_storage_mb: int = 512
    exec_wrapper: bool = True
    concurrency: Concurrency = field(default_factory=Concurrency)
    max_ongoing_requests: int = 1
    max_concurrency: int = 1
    capacity_provider: str = ""
    url: FunctionUrl | None = None
    shutdown_extension: bool = False
    log_format: Literal["Text", "JSON"] = "Text"
    log_level: str | None = None
    notes: tuple[str, ...] = ()

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
    not reach. `functions` are sorted with the ingress first, the others by name. `notes` are
    sentences to tell the user once, besides those of the functions.
    """

    name: str
    target: str
    route_prefix: str | None
    ingress: str
    functions: tuple[FunctionPlan, ...]
    routes: tuple[RoutePlan, ...] = ()
    notes: tuple[str, ...] = ()

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


def alias_variables(aliases: Mapping[str, str | None]) -> dict[str, str]:
    """Return the variable that tells a function the aliases of its callees, by function name.

    Where no callee has one, nothing needs to be told.
    """
    pairs = [f"{name}:{alias}" for name, alias in sorted(aliases.items()) if alias]
    return {"ADAPTER_ALIASES": ",".join(pairs)} if pairs else {}

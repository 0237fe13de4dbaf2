"""A stack as it is: its status, its outputs and its functions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapter.errors import StackError, did_you_mean
from adapter.stack.access import Access
from adapter.stack.refusals import StackNotFound, aws_errors, error_code
from adapter.template.cloudformation import read_template


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """An alias of a function. `provisioned` environments are wanted, `available` are warm.

    `status` is that of provisioned concurrency, READY when all are warm; "" where none is wanted.
    https://docs.aws.amazon.com/lambda/latest/api/API_GetProvisionedConcurrencyConfig.html
    """

    name: str
    version: str
    provisioned: int = 0
    available: int = 0
    status: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedFunction:
    """A function of the stack, by the name of its deployment.

    `state` and `update` are Lambda's State and LastUpdateStatus, each "" where it is not told, and
    `reason` says why where one failed. `reserved` is its reserved concurrency, None for none.
    """

    deployment: str
    name: str
    state: str
    update: str
    reason: str
    modified: str
    version: str
    log_group: str
    reserved: int | None
    aliases: tuple[Alias, ...]
    url: str | None

    @property
    def failed(self) -> bool:
        """Whether it will not become active by itself."""
        provisioned = any(alias.status == "FAILED" for alias in self.aliases)
        return self.state == "Failed" or self.update == "Failed" or provisioned

    @property
    def ready(self) -> bool:
        """Whether it takes invocations, its warm environments included.

        A function that was not invoked for weeks is Inactive, and wakes by an invocation.
        """
        warm = all(alias.status in ("", "READY") for alias in self.aliases)
        settled = self.update in ("", "Successful")
        return self.state in ("", "Active", "Inactive") and settled and warm


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """An output of the stack."""

    name: str
    value: str
    description: str

    @property
    def is_url(self) -> bool:
        """Whether it is an address that HTTP reaches."""
        return self.value.startswith(("https://", "http://"))


@dataclass(frozen=True, slots=True, kw_only=True)
class StackDescription:
    """What CloudFormation says of the stack as a whole."""

    stack_id: str
    name: str
    status: str
    reason: str
    updated: datetime
    outputs: tuple[Output, ...]
    protected: bool


class DeployedStack:
    """Reads a stack through boto3. Every method raises `StackError` for what AWS refuses."""

    def __init__(self, name: str, access: Access) -> None:
        self.name = name
        self._access = access

    def describe(self) -> StackDescription:
        """Return the stack. Raises `StackNotFound` where there is none, or none yet."""
        client = self._access.client("cloudformation")
        try:
            with aws_errors():
                [found] = client.describe_stacks(StackName=self.name)["Stacks"]
        except StackNotFound:
            raise self._not_found() from None
        if found["StackStatus"] == "REVIEW_IN_PROGRESS":  # a first change set, never executed
            raise self._not_found()
        return StackDescription(
            stack_id=found["StackId"],
            name=found["StackName"],
            status=found["StackStatus"],
            reason=found.get("StackStatusReason", ""),
            updated=found.get("LastUpdatedTime", found["CreationTime"]),
            outputs=tuple(
                Output(
                    name=one["OutputKey"],
                    value=one["OutputValue"],
                    description=one.get("Description", ""),
                )
                for one in found.get("Outputs", [])
            ),
            protected=found.get("EnableTerminationProtection", False),
        )

    def _not_found(self) -> StackNotFound:
        region = self._access.client("cloudformation").meta.region_name
        return StackNotFound(
            f"there is no stack {self.name!r} in {region}. Deploy it (adapter deploy), or choose "
            "another one: --stack, --region, --profile.",
        )

    def template(self) -> dict[str, Any]:
        """Return the template as it was deployed, before the SAM transform."""
        with aws_errors():
            found = self._access.client("cloudformation").get_template(
                StackName=self.name,
                TemplateStage="Original",
            )
        return read_template(found["TemplateBody"])

    def resources(self) -> list[dict[str, Any]]:
        """Return CloudFormation's summaries of the resources."""
        with aws_errors():
            pages = self._access.client("cloudformation").get_paginator("list_stack_resources")
            return [
                one
                for page in pages.paginate(StackName=self.name)
                for one in page["StackResourceSummaries"]
                if one.get("PhysicalResourceId")
            ]

    def function_names(self) -> dict[str, str]:
        """Return the names of the functions, by deployment, sorted."""
        prefix = f"{self.name}-"
        return {
            name.removeprefix(prefix): name
            for name in sorted(
                one["PhysicalResourceId"]
                for one in self.resources()
                if one["ResourceType"] == "AWS::Lambda::Function"
            )
        }

    def function_name(self, deployment: str) -> str:
        """Return the name of a deployment's function. Raises `StackError` where there is none."""
        names = self.function_names()
        found = names.get(deployment) or next(
            (one for one in names.values() if one == deployment), None
        )
        if found is None:
            raise StackError(
                f"stack {self.name!r} has no deployment {deployment!r}."
                f"{did_you_mean(deployment, names)} It has: {', '.join(names) or 'none'}.",
            )
        return found

    def functions(self) -> tuple[DeployedFunction, ...]:
        """Return every function of the stack, sorted by deployment."""
        with aws_errors():
            return tuple(self._functions())

    def _functions(self) -> Iterator[DeployedFunction]:
        client = self._access.client("lambda")
        for deployment, name in self.function_names().items():
            found = client.get_function(FunctionName=name)
            configuration = found["Configuration"]
            aliases = tuple(_aliases(client, name))
            yield DeployedFunction(
                deployment=deployment,
                name=name,
                state=configuration.get("State", ""),
                update=configuration.get("LastUpdateStatus", ""),
                reason=_reason(configuration, aliases),
                modified=configuration["LastModified"],
                version=aliases[0].version if aliases else configuration["Version"],
                log_group=_log_group(configuration),
                reserved=found.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
                aliases=aliases,
                url=_url(client, name, aliases),
            )

    def alias_of(self, function: str) -> str | None:
        """Return the alias that callers of a function must name to reach what is warm."""
        with aws_errors():
            found = self._access.client("lambda").list_aliases(FunctionName=function)["Aliases"]
        return str(found[0]["Name"]) if found else None

    def log_groups(self) -> dict[str, str]:
        """Return the log group of every function, by deployment."""
        client = self._access.client("lambda")
        with aws_errors():
            return {
                deployment: _log_group(client.get_function_configuration(FunctionName=name))
                for deployment, name in self.function_names().items()
            }


def _reason(configuration: Mapping[str, Any], aliases: tuple[Alias, ...]) -> str:
    reasons = [configuration.get("StateReason"), configuration.get("LastUpdateStatusReason")]
    return " ".join([*filter(None, reasons), *(alias.reason for alias in aliases if alias.reason)])


def _log_group(configuration: Mapping[str, Any]) -> str:
    default = f"/aws/lambda/{configuration['FunctionName']}"
    return str(configuration.get("LoggingConfig", {}).get("LogGroup") or default)


def _aliases(client: Any, name: str) -> Iterator[Alias]:
    for found in client.list_aliases(FunctionName=name)["Aliases"]:
        warm = _unless_missing(
            client.get_provisioned_concurrency_config,
            FunctionName=name,
            Qualifier=found["Name"],
        )
        yield Alias(
            name=found["Name"],
            version=found["FunctionVersion"],
            provisioned=warm.get("RequestedProvisionedConcurrentExecutions", 0),
            available=warm.get("AvailableProvisionedConcurrentExecutions", 0),
            status=warm.get("Status", ""),
            reason=warm.get("StatusReason", ""),
        )


def _url(client: Any, name: str, aliases: tuple[Alias, ...]) -> str | None:
    for qualifier in ({}, *({"Qualifier": alias.name} for alias in aliases)):
        found = _unless_missing(client.get_function_url_config, FunctionName=name, **qualifier)
        if found:
            return str(found["FunctionUrl"])
    return None


_MISSING = ("ResourceNotFoundException", "ProvisionedConcurrencyConfigNotFoundException", "404")


def _unless_missing(operation: Any, **arguments: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = operation(**arguments)
    except Exception as error:
        if error_code(error) in _MISSING:
            return {}
        raise
    return found

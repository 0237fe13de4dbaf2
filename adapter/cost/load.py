"""How often the functions of a stack are called a month, and for how long."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapter.errors import InvalidOption, did_you_mean
from adapter.plan.values import ApplicationPlan, FunctionPlan, StackPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class ByName:
    """A number for all deployments, and other ones for some of them."""

    everywhere: float | None = None
    named: Mapping[str, float] = field(default_factory=dict)

    def of(self, function: FunctionPlan) -> float | None:
        """Return the number for a function, which may be named as its deployment."""
        for name in (function.name, function.deployment):
            if name in self.named:
                return self.named[name]
        return self.everywhere

    def refuse_unknown(self, plan: StackPlan, option: str) -> None:
        """Raise `InvalidOption` where a name is that of no deployment."""
        known = {name for one in plan.functions for name in (one.name, one.deployment)}
        shared = {host: one for one in plan.functions for host in one.hosts}
        for name in self.named:
            if name in shared and name not in known:
                one = shared[name]
                raise InvalidOption(
                    f"{option} {name}=...: {name} shares the function {one.name!r}, which is "
                    f"invoked as one; say {one.name}=....",
                )
            if name not in known:
                raise InvalidOption(
                    f"{option} {name}=...: {plan.target} has no deployment {name!r}."
                    f"{did_you_mean(name, known)}",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a month brings.

    `requests` reach the ingress of each application, by HTTP, or by name where neither HTTP nor
    another application reaches it. An invocation takes `duration_ms`, the wait for the deployments
    that it calls included. Each invocation makes one call along each of its handles; `calls` says
    of a deployment how many calls a request makes in all. `memory_mb` are sizes to try in place of
    the plan's. `streamed_mb` goes out in each answer.
    """

    requests: float
    duration_ms: ByName
    calls: ByName = field(default_factory=ByName)
    memory_mb: ByName = field(default_factory=ByName)
    streamed_mb: float = 0.0

    def refuse_unknown(self, plan: StackPlan) -> None:
        """Raise `InvalidOption` for a deployment that is not there."""
        self.duration_ms.refuse_unknown(plan, "--duration")
        self.calls.refuse_unknown(plan, "--calls")
        self.memory_mb.refuse_unknown(plan, "--memory")


def invocations(plan: StackPlan, load: Load) -> dict[str, float]:
    """Return how often each function is invoked a month, by name.

    Where handles go in circles, a call back to a deployment above counts once and goes no further.
    """
    functions = {function.name: function for function in plan.functions}
    totals = dict.fromkeys(functions, 0.0)
    for application in plan.applications:
        if _is_entry(application, plan):
            for name, count in _per_request(application.ingress, functions, load).items():
                totals[name] += count * load.requests
    return totals


def _is_entry(application: ApplicationPlan, plan: StackPlan) -> bool:
    """Whether requests come to an application of themselves: by HTTP, or as nobody calls it."""
    ingress = application.function(application.ingress)
    if application.front is not None or ingress.url is not None:
        return True
    others = (one for one in plan.functions if one.application != application.name)
    return not any(ingress.name in one.calls for one in others)


def _per_request(
    ingress: str,
    functions: Mapping[str, FunctionPlan],
    load: Load,
) -> dict[str, float]:
    """Return how often a request to the ingress invokes each function, the ingress included."""
    order = _callers_first(ingress, functions)
    fixed = {name: count for name in order if (count := load.calls.of(functions[name])) is not None}
    called = {name: fixed.get(name, 0.0) for name in order}
    for name in order:
        count = called[name] + (name == ingress)
        for callee in functions[name].calls:
            if callee in called and callee not in fixed:
                called[callee] += count
    return {name: count + (name == ingress) for name, count in called.items()}


def _callers_first(ingress: str, functions: Mapping[str, FunctionPlan]) -> list[str]:
    """Order what the ingress reaches so that callers come before those that they call."""
    finished: list[str] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        seen.add(name)
        for callee in functions[name].calls:
            if callee in functions and callee not in seen:
                visit(callee)
        finished.append(name)

    visit(ingress)
    return finished[::-1]

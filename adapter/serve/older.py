"""Forms of older releases of Ray Serve, up to 2.9: deployments that deploy themselves.

    @serve.deployment(route_prefix="/hello")
    class Hello: ...

    Hello.deploy()
    handle = Hello.get_handle()

Each says once that it is the older form, and what is written today. A deployment that is deployed
so is an application of its own, with the deployment's name.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adapter.errors import InvalidOption

if TYPE_CHECKING:
    from adapter.serve.deployments import Application, Deployment
    from adapter.serve.handles import DeploymentHandle
    from adapter.serve.options import DeploymentOptions

_said: set[str] = set()
_deployed: dict[str, "Application[Any]"] = {}  # by name


def say(form: str, today: str) -> None:
    """Say, once in a process, that a form is the older one and what is written today.

    A function on Lambda says nothing: whoever built it has read it.
    """
    if form in _said or "AWS_LAMBDA_RUNTIME_API" in os.environ:
        return
    _said.add(form)
    import logging  # noqa: PLC0415 - for who uses an older form

    text = "%s is the older form; today it is %s."
    logging.getLogger("adapter.serve").warning(text, form, today)


class OlderDeployment:
    """What a `Deployment` has from older releases."""

    settings: "DeploymentOptions"

    @property
    def route_prefix(self) -> str | None:
        """Where `deploy()` serves it: "/" and its name, unless written; None is not over HTTP."""
        written = self.settings.route_prefix
        return written if isinstance(written, str | None) else f"/{self.settings.name}"

    @property
    def url(self) -> str | None:
        """The address where `deploy()` serves it, None where that is not over HTTP."""
        from adapter.serve import running  # noqa: PLC0415 - an older form

        say("Deployment.url", "the address that serve.run prints, and the route_prefix")
        return None if self.route_prefix is None else running.url() + self.route_prefix

    def deploy(self: Any, *init_args: Any, _blocking: bool = True, **init_kwargs: Any) -> None:
        """Serve this deployment at its `route_prefix`, anew where it is served already.

        While a module is imported to be served or built it is only remembered. Raises as
        `serve.run` does.
        """
        from adapter.serve import running  # noqa: PLC0415 - an older form
        from adapter.serve.deployments import Application  # noqa: PLC0415 - an older form

        del _blocking  # it is served when this returns
        name = self.name
        say("Deployment.deploy()", f"serve.run({name}.bind(...), route_prefix=...)")
        application = Application(self, init_args or None, init_kwargs or None)
        _deployed[name] = application
        if not running.is_imported():
            running.run(application, name=name, route_prefix=self.route_prefix)

    def delete(self) -> None:
        """End what `deploy()` began. Nothing happens where it did not."""
        from adapter.serve import running  # noqa: PLC0415 - an older form

        say("Deployment.delete()", "serve.delete(name)")
        if _deployed.pop(self.settings.name, None) is not None and not running.is_imported():
            running.delete(self.settings.name)

    def get_handle(self, sync: bool | None = True) -> "DeploymentHandle[Any]":  # noqa: FBT001, FBT002 - Ray Serve's signature
        """Return a handle to what `deploy()` serves.

        With `sync` it is like any other: `handle.remote(...).result()`, where Ray had
        `ray.get(handle.remote(...))`. Without, `await handle.remote(...)` gives a response, and
        awaiting that the result.
        """
        from adapter.serve import older_handles  # noqa: PLC0415 - an older form

        name = self.settings.name
        say("Deployment.get_handle()", f"serve.get_app_handle({name!r}), or what serve.run returns")
        if sync:
            return older_handles.RayServeSyncHandle(name, name)
        return older_handles.RayServeHandle(name, name)

    def set_options(self, **options: Any) -> None:
        """Change the options of this deployment itself; `options(...)` returns a copy."""
        say("Deployment.set_options(...)", "Deployment.options(...), which returns a copy")
        self.settings = self.settings.changed(**options)


def get_deployment(name: str) -> "Deployment[Any]":
    """Return the deployment of that name that was deployed with `deploy()`.

    Raises KeyError where none was.
    """
    say("serve.get_deployment(name)", "serve.get_deployment_handle(...) or serve.get_app_handle")
    if name not in _deployed:
        raise KeyError(f"Deployment {name} was not found. Did you call Deployment.deploy()?")
    return _deployed[name].deployment


def list_deployments() -> dict[str, "Deployment[Any]"]:
    """Return the deployments that were deployed with `deploy()`, by name."""
    say("serve.list_deployments()", "serve.status()")
    return {name: application.deployment for name, application in _deployed.items()}


def deployed(deployment: Any) -> "Application[Any] | None":
    """Return the application that `deploy()` has made of a deployment, None where it has not.

    Its HTTP is at the deployment's `route_prefix`.
    """
    application = _deployed.get(deployment.name)
    same = application is not None and application.deployment is deployment
    return application if same else None


def prefix(deployment: Any, route_prefix: str | None) -> str | None:
    """Return where HTTP reaches an application: at "/" its ingress may have another written."""
    written = deployment.settings.route_prefix
    return written if route_prefix == "/" and isinstance(written, str | None) else route_prefix


def deployed_beside(deployment: Any) -> list[str]:
    """Name what the same module has deployed with `deploy()` besides a deployment."""
    module = deployment.func_or_class.__module__
    return sorted(
        name
        for name, application in _deployed.items()
        if application.deployment.func_or_class.__module__ == module and name != deployment.name
    )


_RENAMED = {
    "max_concurrent_queries": "max_ongoing_requests",
    "_autoscaling_config": "autoscaling_config",
    "_graceful_shutdown_wait_loop_s": "graceful_shutdown_wait_loop_s",
    "_graceful_shutdown_timeout_s": "graceful_shutdown_timeout_s",
    "_health_check_period_s": "health_check_period_s",
    "_health_check_timeout_s": "health_check_timeout_s",
}
_TODAY = {
    "init_args": "Deployment.bind(...)",
    "init_kwargs": "Deployment.bind(...)",
    "is_driver_deployment": "nothing: an environment belongs to no node",
    "prev_version": "nothing: CloudFormation sees changes by itself",
    "route_prefix": 'serve.run(app, route_prefix="/...")',
    "version": "nothing: CloudFormation sees changes by itself",
}


def rewritten(settings: "DeploymentOptions", written: Mapping[str, Any]) -> dict[str, Any]:
    """Put options of older releases into today's words.

    Raises `InvalidOption` for a malformed one, and for a `version` in a deployment that has no
    other older option: Ray Serve refuses it.
    """
    from adapter.serve.options import OLDER_OPTIONS  # noqa: PLC0415 - it imports this module

    older = sorted(OLDER_OPTIONS & written.keys())
    if older == ["version"] and OLDER_OPTIONS.isdisjoint(settings.given):
        raise InvalidOption(
            "`version` in `@serve.deployment` has been removed. Serve manages deployment versions "
            "internally; delete it.",
        )
    options = dict(written)
    for name in older:
        today = _RENAMED.get(name)
        say(f"{name} of @serve.deployment", today or _TODAY[name])
        if today is not None:
            options.setdefault(today, options.pop(name))
    options.pop("is_driver_deployment", None)
    _check(options)
    return options


def _check(options: dict[str, Any]) -> None:
    from adapter.serve import running  # noqa: PLC0415 - it imports deployments, which import this

    if isinstance(options.get("route_prefix"), str) or options.get("route_prefix") is not None:
        running.check_route_prefix(options["route_prefix"])
    if not isinstance(options.get("init_args") or (), (tuple, list)):
        raise InvalidOption(f"init_args={options['init_args']!r} must be a tuple.")
    if not isinstance(options.get("init_kwargs") or {}, Mapping):
        raise InvalidOption(f"init_kwargs={options['init_kwargs']!r} must be a dict.")
    if "init_args" in options:
        options["init_args"] = tuple(options["init_args"] or ())
    if "init_kwargs" in options:
        options["init_kwargs"] = dict(options["init_kwargs"] or {})

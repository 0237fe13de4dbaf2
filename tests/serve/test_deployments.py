import inspect
from typing import Any

import pytest

from adapter import serve
from adapter.errors import InvalidOption
from adapter.serve.config import BackpressureConfig
from adapter.serve.deployments import Application, Deployment


class Model:
    def __init__(self, size: int = 1, mode: str = "slow") -> None:
        self.size = size
        self.mode = mode


def greet(name: str) -> str:
    return f"hello {name}"


@pytest.mark.parametrize("func_or_class", [Model, greet, len])
def test_bare_decorator_makes_a_deployment_named_after_it(func_or_class: Any) -> None:
    deployment = serve.deployment(func_or_class)

    assert isinstance(deployment, Deployment)
    assert deployment.func_or_class is func_or_class
    assert deployment.name == func_or_class.__name__


def test_decorator_with_options_makes_a_deployment_with_them() -> None:
    deployment = serve.deployment(
        name="Big",
        num_replicas=3,
        max_ongoing_requests=10,
        max_queued_requests=20,
        ray_actor_options={"num_cpus": 2},
        user_config={"threshold": 0.5},
        lambda_options=serve.LambdaOptions(memory_mb=1024),
    )(Model)

    assert deployment.name == "Big"
    assert deployment.num_replicas == 3
    assert deployment.max_ongoing_requests == 10
    assert deployment.max_queued_requests == 20
    assert deployment.ray_actor_options == {"num_cpus": 2}
    assert deployment.user_config == {"threshold": 0.5}
    assert deployment.settings.lambda_options.memory_mb == 1024


def test_options_have_the_defaults_of_ray_serve() -> None:
    deployment = serve.deployment(Model)

    assert deployment.num_replicas == 1
    assert deployment.max_ongoing_requests == 5
    assert deployment.max_queued_requests == -1
    assert deployment.backpressure_config == BackpressureConfig()
    assert deployment.ray_actor_options == {}
    assert deployment.user_config is None
    assert deployment.logging_config is None
    assert deployment.version is None
    assert (deployment.init_args, dict(deployment.init_kwargs)) == ((), {})


def test_scaling_deployment_counts_as_one_replica_as_in_ray_serve() -> None:
    assert serve.deployment(num_replicas="auto")(Model).num_replicas == 1


# https://docs.ray.io/en/latest/serve/api/doc/ray.serve.deployment_decorator.html
RAYS_PARAMETERS = [
    "name",
    "version",
    "num_replicas",
    "ray_actor_options",
    "placement_group_bundles",
    "placement_group_strategy",
    "placement_group_bundle_label_selector",
    "max_replicas_per_node",
    "user_config",
    "max_ongoing_requests",
    "max_queued_requests",
    "backpressure_config",
    "autoscaling_config",
    "graceful_shutdown_wait_loop_s",
    "graceful_shutdown_timeout_s",
    "health_check_period_s",
    "health_check_timeout_s",
    "logging_config",
    "request_router_config",
    "max_constructor_retry_count",
    "gang_scheduling_config",
    "deployment_actors",
    "rolling_update_percentage",
    "max_surge_percent",
]


def test_decorator_has_every_parameter_of_ray_serve_in_its_order() -> None:
    parameters = list(inspect.signature(serve.deployment).parameters)

    assert parameters == ["_func_or_class", *RAYS_PARAMETERS, "lambda_options", "older"]


def test_options_has_every_parameter_of_ray_serve() -> None:
    parameters = set(inspect.signature(Deployment.options).parameters)

    assert parameters >= {"func_or_class", "_init_args", "_init_kwargs", "_internal"}
    assert parameters >= set(RAYS_PARAMETERS)


def test_error_of_an_option_names_the_deployment() -> None:
    expected = r"^deployment Model: num_replicas=0 must be a whole number, at least 1\.$"
    with pytest.raises(InvalidOption, match=expected):
        serve.deployment(num_replicas=0)(Model)
    with pytest.raises(InvalidOption, match=r"^deployment Big: max_surge_percent=-1 must be"):
        serve.deployment(name="Big")(Model).options(max_surge_percent=-1)


@pytest.mark.parametrize(
    "write",
    [
        lambda written: serve.deployment(**written)(Model),
        lambda written: serve.deployment(Model).options(**written),
    ],
)
def test_misspelled_option_is_a_type_error_that_names_the_right_one(write: Any) -> None:
    with pytest.raises(TypeError, match=r"^deployment Model: .*Did you mean 'max_ongoing_requests"):
        write({"max_ongoing_request": 3})


def test_constructor_arguments_may_be_options() -> None:
    deployment = serve.deployment(Model).options(_init_args=(3,), _init_kwargs={"mode": "fast"})

    assert deployment.init_args == (3,)
    assert deployment.init_kwargs == {"mode": "fast"}
    application = Application(deployment)
    assert (application.args, application.kwargs) == ((3,), {"mode": "fast"})
    assert deployment.bind().args == ()


def test_decorator_used_as_a_decorator_replaces_the_class() -> None:
    @serve.deployment(num_replicas=2)
    class Local:
        pass

    found: Any = Local
    assert repr(found) == "Deployment(name=Local)"


@pytest.mark.parametrize("options", [{}, {"name": None}])
def test_name_may_be_left_to_the_class(options: dict[str, Any]) -> None:
    assert serve.deployment(**options)(Model).name == "Model"


@pytest.mark.parametrize("thing", [3, "Model", Model(), serve.deployment(Model)])
def test_only_classes_and_functions_become_deployments(thing: Any) -> None:
    with pytest.raises(TypeError, match="must be called on a class or function, not on") as caught:
        serve.deployment(thing)

    assert repr(thing) in str(caught.value)
    assert isinstance(caught.value, InvalidOption)


def test_options_returns_a_copy_and_leaves_the_original() -> None:
    original = serve.deployment(num_replicas=2)(Model)
    copy = original.options(name="Other", num_replicas=4)

    assert (copy.name, copy.num_replicas, copy.func_or_class) == ("Other", 4, Model)
    assert (original.name, original.num_replicas) == ("Model", 2)


def test_options_keeps_what_is_not_named() -> None:
    original = serve.deployment(user_config={"a": 1}, max_ongoing_requests=7)(Model)
    copy = original.options(name="Other")

    assert (copy.user_config, copy.max_ongoing_requests) == ({"a": 1}, 7)


def test_options_may_replace_the_class() -> None:
    class Better(Model):
        pass

    copy = serve.deployment(Model).options(Better)

    assert (copy.func_or_class, copy.name) == (Better, "Model")


def test_ray_actor_options_cannot_be_changed_through_the_property() -> None:
    deployment = serve.deployment(ray_actor_options={"num_cpus": 1})(Model)
    deployment.ray_actor_options["num_cpus"] = 8

    assert deployment.ray_actor_options == {"num_cpus": 1}


def test_bind_keeps_deployment_and_arguments() -> None:
    deployment = serve.deployment(Model)
    application = deployment.bind(3, mode="fast")

    assert isinstance(application, Application)
    assert application.deployment is deployment
    assert (application.args, application.kwargs) == ((3,), {"mode": "fast"})
    assert repr(application) == "Application(deployment='Model')"


def test_bind_constructs_nothing() -> None:
    class Exploding:
        def __init__(self) -> None:
            raise AssertionError("constructed")

    assert serve.deployment(Exploding).bind().deployment.name == "Exploding"


def test_calling_a_deployment_says_what_to_do_instead() -> None:
    deployment = serve.deployment(Model)
    with pytest.raises(RuntimeError) as caught:
        deployment(3)

    text = str(caught.value)
    assert text.startswith(
        "Deployments cannot be constructed directly. Use `deployment.deploy() instead.`",
    )
    assert "Model.bind(...)" in text
    assert "Model.func_or_class(...)" in text

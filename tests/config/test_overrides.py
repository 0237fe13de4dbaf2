"""Options in the file take the place of those in the code."""

from adapter.plan.values import Concurrency, FunctionPlan
from tests.config.files import Shop


def functions(shop: Shop, deployments: str, more: str = "") -> dict[str, FunctionPlan]:
    text = f"applications:\n- import_path: shop:app\n  {more}\n  deployments: [{deployments}]\n"
    return {function.deployment: function for function in shop.plan(text).functions}


def test_an_option_in_the_file_replaces_the_one_in_the_code(shop: Shop) -> None:
    planned = functions(
        shop,
        "{name: Model, num_replicas: 3, ray_actor_options: {num_cpus: 2}, "
        "lambda_options: {timeout_s: 60}}",
    )

    assert planned["Model"].concurrency == Concurrency(provisioned=3, maximum=3)
    assert (planned["Model"].memory_mb, planned["Model"].timeout_s) == (3538, 60)


def test_what_the_file_does_not_say_stays(shop: Shop) -> None:
    planned = functions(shop, "{name: Model, num_replicas: 3}")

    assert planned["Model"].max_ongoing_requests == 7
    assert planned["Gateway"].memory_mb == 1769
    assert planned["Gateway"].environment["AA"] == "code"


def test_what_a_function_reads_itself_is_in_its_entry_point(shop: Shop) -> None:
    planned = functions(shop, "{name: Model, user_config: {a: [1]}, health_check_period_s: 3}")

    options = 'Model.options(user_config={"a": [1]}, health_check_period_s=3)'
    assert f"handler = entry_point({options})\n" in planned["Model"].entry_point


def test_null_takes_an_option_away(shop: Shop) -> None:
    planned = functions(shop, "{name: Gateway, ray_actor_options: null}")

    assert planned["Gateway"].memory_mb == 512
    assert "AA" not in planned["Gateway"].environment


def test_auto_keeps_the_range_that_the_code_says(shop: Shop) -> None:
    scaled = (
        "from shop import *\napp = Model.options(autoscaling_config={'max_replicas': 9}).bind()"
    )
    (shop.folder / "scaled.py").write_text(scaled)
    model = "deployments: [{name: Model, num_replicas: auto}]"
    file = f"applications: [{{import_path: scaled:app, {model}}}]"
    plan = shop.plan(file)
    other = functions(shop, "{name: Model, num_replicas: auto}")["Model"]

    assert plan.functions[0].concurrency.maximum == 9
    assert other.concurrency.maximum == 100


def test_variables_of_the_application_are_every_functions(shop: Shop) -> None:
    planned = functions(
        shop,
        "{name: Model, ray_actor_options: {runtime_env: {env_vars: {CC: model}, pip: [a]}}}",
        "runtime_env: {env_vars: {BB: all, CC: all}, pip: [b, c]}",
    )
    variables = {
        name: (function.environment["BB"], function.environment["CC"])
        for name, function in planned.items()
    }

    assert variables == {"Model": ("all", "model"), "Gateway": ("all", "all")}
    assert planned["Gateway"].environment["AA"] == "code"
    assert (planned["Model"].requirements, planned["Gateway"].requirements) == (("a",), ("b", "c"))


def test_the_nearest_logging_config_counts(shop: Shop) -> None:
    text = """\
        logging_config: {log_level: ERROR, encoding: JSON}
        applications:
          - import_path: shop:app
            deployments: [{name: Model, logging_config: {log_level: DEBUG, encoding: JSON}}]
          - name: other
            route_prefix: /other
            import_path: shop:app
            logging_config: {log_level: WARNING, encoding: JSON}
    """
    levels = {
        function.name: function.log_level
        for name in ("default", "other")
        for function in shop.plan(text, name).functions
    }

    assert levels == {
        "Gateway": "ERROR",
        "Model": "DEBUG",
        "other-Gateway": "WARN",
        "other-Model": "WARN",
    }


def test_the_request_timeout_is_the_ingresses(shop: Shop) -> None:
    http = "http_options: {request_timeout_s: 2.5}\n"
    variable = "ADAPTER_REQUEST_TIMEOUT_S"
    plan = shop.plan(f"{http}applications: [{{import_path: shop:app}}]")
    own = "{name: Gateway, lambda_options: {request_timeout_s: 9}}"
    text = f"{http}applications: [{{import_path: shop:app, deployments: [{own}]}}]"
    chosen = shop.plan(text)

    assert plan.function("Gateway").environment[variable] == "2.5"
    assert variable not in plan.function("Model").environment
    assert chosen.function("Gateway").environment[variable] == "9"


def test_a_deployment_that_is_not_there_is_told_with_those_that_are(shop: Shop) -> None:
    mistakes = shop.mistakes("""\
        applications:
          - import_path: shop:app
            deployments:
              - name: Modle
              - name: Zebra
                num_replicas: 2
    """)

    has = "It has Gateway, Model."
    assert mistakes == [
        f"4:15: application 'default' has no deployment 'Modle'. Did you mean 'Model'? {has}",
        f"5:15: application 'default' has no deployment 'Zebra'. {has}",
    ]


def test_what_only_the_code_makes_wrong_is_told_with_its_place(shop: Shop) -> None:
    mistakes = shop.mistakes("""\
        applications:
          - import_path: shop:app
            deployments:
              - {name: Model, placement_group_strategy: PACK}
              - {name: Gateway, ray_actor_options: {runtime_env: {pip: none.txt}}}
    """)

    assert [mistake.split(": ")[0] for mistake in mistakes] == ["4:49", "5:64"]
    assert "`placement_group_bundles` must also be provided" in mistakes[0]
    assert "none.txt cannot be read" in mistakes[1]

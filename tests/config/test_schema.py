"""The whole schema: what is taken, and where each mistake is."""

import pytest

from adapter.config.file import ConfigFile
from adapter.serve.lambda_options import LambdaOptions
from tests.config.files import Shop

# Every key that Ray 2.60 has, and `lambda_options`.
EVERYTHING = """
proxy_location: HeadOnly
http_options:
  host: 0.0.0.0
  port: 80
  root_path: /root
  request_timeout_s: 2.5
  keep_alive_timeout_s: 30
  ssl_keyfile: key
  ssl_certfile: certificate
  ssl_keyfile_password: secret
  ssl_ca_certs: others
grpc_options:
  port: 9000
  grpc_servicer_functions: [a.b]
  request_timeout_s: 3
  enable_reflection: false
controller_options:
  runtime_env: {env_vars: {AA: b}}
logging_config:
  encoding: JSON
  log_level: DEBUG
  logs_dir: /logs
  enable_access_log: false
  additional_log_standard_attrs: [funcName]
tracing_config: {enabled: true, exporter_import_path: a:b, sampling_ratio: 0.5}
target_capacity: 50
applications:
  - name: shop
    route_prefix: /shop
    import_path: shop:app
    runtime_env:
      env_vars: {AA: "1"}
      working_dir: .
      pip: {packages: [numpy], pip_check: false, pip_version: "==24", pip_install_options: [-q]}
      py_modules: [a]
      conda: {dependencies: [a]}
      container: {image: a}
      excludes: [a]
      uv: [a]
      image_uri: a
      config: {setup_timeout_seconds: 3}
      java_jars: []
      py_executable: python
      worker_process_setup_hook: a.b
    host: 0.0.0.0
    port: 8000
    args: {}
    autoscaling_policy: {policy_function: "a:b", policy_kwargs: {a: 1}}
    external_scaler_enabled: false
    logging_config: {log_level: 20}
    deployments:
      - name: Model
        num_replicas: auto
        max_ongoing_requests: 3
        max_queued_requests: 10
        backpressure_config: {status_code: 429, retry_after_s: 1}
        user_config: {anything: [1, {2: 3}]}
        autoscaling_config:
          min_replicas: 2
          initial_replicas: 4
          max_replicas: 4
          target_ongoing_requests: 2
          metrics_interval_s: 10
          look_back_period_s: 30
          smoothing_factor: 1
          upscale_smoothing_factor: 1
          downscale_smoothing_factor: 1
          upscaling_factor: 1
          downscaling_factor: 1
          downscale_delay_s: 600
          downscale_to_zero_delay_s: 10
          upscale_delay_s: 30
          aggregation_function: max
          policy: {policy_function: "a:b"}
        graceful_shutdown_wait_loop_s: 2
        graceful_shutdown_timeout_s: 20
        health_check_period_s: 10
        health_check_timeout_s: 30.5
        ray_actor_options:
          runtime_env: {env_vars: {BB: c}, pip: [a]}
          num_cpus: 0.5
          num_gpus: 0
          memory: 1000000000
          resources: {special: 1}
          accelerator_type: L4
          label_selector: {zone: a}
          fallback_strategy: [{label_selector: {zone: b}}]
          object_store_memory: 3
        logging_config: {encoding: TEXT}
        request_router_config: {request_router_class: "a:b", backoff_multiplier: 2}
        gang_scheduling_config: {gang_size: 2, gang_placement_strategy: SPREAD}
        deployment_actors: [{name: a, actor_class: "a:b", init_args: [1], init_kwargs: {b: 2}}]
        rolling_update_percentage: 0.5
        max_surge_percent: 10
        max_constructor_retry_count: 3
        lambda_options: {memory_mb: 2048, calls: [Gateway], environment: {CC: d}, url: null}
      - name: Gateway
        num_replicas: null
        max_concurrent_queries: 4
        placement_group_bundles: [{CPU: 1}]
        placement_group_strategy: SPREAD
        placement_group_bundle_label_selector: [{zone: a}]
  - name: other
    route_prefix: null
    import_path: package.module.attribute
    deployments: []
"""


@pytest.fixture
def everything(shop: Shop) -> ConfigFile:
    return shop.read(EVERYTHING)


def test_everything_that_ray_takes_is_taken(everything: ConfigFile) -> None:
    config = everything.config

    assert config.http_options["port"] == 80
    assert config.target_capacity == 50
    assert [application.name for application in config.applications] == ["shop", "other"]
    assert config.applications[1].route_prefix is None
    assert config.applications[0].runtime_env["env_vars"] == {"AA": "1"}


def test_only_what_is_written_is_an_option(everything: ConfigFile) -> None:
    model, gateway = everything.config.applications[0].deployments

    assert gateway.options == {
        "num_replicas": None,
        "max_concurrent_queries": 4,
        "placement_group_bundles": ({"CPU": 1},),
        "placement_group_strategy": "SPREAD",
        "placement_group_bundle_label_selector": ({"zone": "a"},),
    }
    assert model.options["autoscaling_config"]["max_replicas"] == 4
    expected = LambdaOptions(memory_mb=2048, calls=("Gateway",), environment={"CC": "d"})
    assert model.options["lambda_options"] == expected


@pytest.mark.parametrize(
    ("import_path", "target"),
    [
        ("shop:app", "shop:app"),
        ("shop.app", "shop:app"),
        ("package.module.app", "package.module:app"),
        ("package.module:Site.app", "package.module:Site.app"),
    ],
)
def test_both_spellings_of_an_import_path_are_one(
    shop: Shop,
    import_path: str,
    target: str,
) -> None:
    file = shop.read(f"applications: [{{import_path: '{import_path}'}}]")

    assert file.config.applications[0].target == target


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "1:1: the file: expected a mapping; found null."),
        ("[]", "1:1: the file: expected a mapping; found an empty list."),
        ("{}", "1:1: the file needs the key 'applications'."),
        ("applications: []", "1:15: applications must name at least one application."),
        ("applications: {}", "1:15: applications: expected a list; found an empty mapping."),
        ("applications: [shop:app]", "1:16: applications[0]: expected a mapping; found the text "),
        ("import_path: shop:app\napplications: []", "1:1: the file has no key 'import_path'. "),
    ],
)
def test_a_file_that_is_none_says_what_it_lacks(shop: Shop, text: str, mistake: str) -> None:
    assert shop.mistakes(text)[0].startswith(mistake)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("name: ^a b", "the application's name 'a b' must hold letters, digits, hyphens"),
        ("name: ^5", "name: expected text; found 5. Put it in quotes."),
        ("route_prefix: ^shop", "Invalid route_prefix 'shop', must start with a forward slash"),
        ("route_prefix: ^/a/", "Invalid route_prefix '/a/', may not end with a trailing '/'"),
        ("import_path: ^shop", "import_path='shop' must have the form module:attribute or mod"),
        ("import_path: ^':app'", "import_path=':app' must have the form"),
        ("import_path: ^'shop:'", "import_path='shop:' must have the form"),
        ("import_path: ^'a:b:c'", "import_path='a:b:c' must have the form"),
        ("import_path: ^.app", "import_path='.app' must have the form"),
        ("args: ^[1]", "args: expected a mapping; found a list."),
        ("runtime_env: {env_vars: {A: ^1}}", "A: expected text; found 1. Put it in quotes."),
        ("runtime_env: {env_vars: {A: ^yes}}", "A: expected text; found true. Put it in quo"),
        ("runtime_env: {env_vars: {AWS_A: ^a}}", "environment variable 'AWS_A' is reserved"),
        ("runtime_env: {env_vars: {^1: a}}", "expected text as key; found 1."),
        ("runtime_env: {^envvars: {}}", "runtime_env has no key 'envvars'. Did you mean 'env"),
        ("runtime_env: {pip: ^3}", "pip: expected a list or text or a mapping or null; found 3"),
        ("runtime_env: {pip: ^{}}", "pip needs the key 'packages'."),
        ("runtime_env: {pip: [a, ^3]}", "pip[1]: expected text; found 3. Put it in quotes."),
        ("logging_config: {log_level: ^LOUD}", 'Got "LOUD" for log_level. log_level must be'),
        ("logging_config: {^level: INFO}", "logging_config has no key 'level'. Did you mean '"),
        ("external_scaler_enabled: ^1", "external_scaler_enabled: expected true or false; fo"),
        ("deployments: ^{}", "deployments: expected a list; found an empty mapping."),
        ("deployments: [^{}]", "deployments[0] needs the key 'name'."),
        ("deployments: [{name: ^a#b}]", "Deployment names must not contain the '#' characte"),
        (
            "^deploymets: []",
            "applications[0] has no key 'deploymets'. Did you mean 'deployments'?",
        ),
    ],
)
def test_a_mistake_in_an_application_is_told_with_its_place(
    shop: Shop,
    key: str,
    message: str,
) -> None:
    path = "" if key.startswith("import_path") else "import_path: shop:app"
    [mistake] = shop.mistakes(f"applications:\n  - {key.replace('^', '')}\n    {path}\n")

    assert mistake.startswith(f"2:{5 + key.index('^')}: {message}")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("num_replicas: ^many", "num_replicas: expected a whole number or 'auto' or null; fou"),
        ("num_replicas: ^0", "num_replicas=0 must be a whole number, at least 1."),
        ("num_replicas: ^1.5", "num_replicas: expected a whole number or 'auto' or null; found"),
        ("max_ongoing_requests: ^null", "max_ongoing_requests: expected a whole number; found"),
        ("max_ongoing_requests: ^0", "max_ongoing_requests=0 must be a whole number, at least"),
        ("max_queued_requests: ^0", "max_queued_requests=0 must be -1 (no limit) or a posit"),
        ("user_config: ^3", "user_config: expected a mapping or null; found 3."),
        ("health_check_period_s: ^0", "health_check_period_s=0 must be a number of seconds"),
        ("rolling_update_percentage: ^2", "rolling_update_percentage=2 is a share, at most 1"),
        ("max_surge_percent: ^101", "max_surge_percent=101 must be a whole number from 0 to"),
        ("autoscaling_config: {min_replicas: ^2, max_replicas: 1}", "autoscaling_config.max_r"),
        ("autoscaling_config: {^max_replica: 1}", "autoscaling_config has no key 'max_replica"),
        ("autoscaling_config: {max_replicas: ^1.5}", "max_replicas: expected a whole number; "),
        ("autoscaling_config: {policy: {policy_function: ^3}}", "policy_function: expected te"),
        ("backpressure_config: {status_code: ^500}", "status_code: expected one of 503, 429"),
        ("gang_scheduling_config: ^{}", "gang_scheduling_config needs the key 'gang_size'."),
        ("gang_scheduling_config: ^{gang_size: 0}", "gang_scheduling_config.gang_size=0 must"),
        ("deployment_actors: [^{name: a}]", "deployment_actors[0] needs the key 'actor_class'."),
        ("ray_actor_options: {num_cpus: ^-1}", "ray_actor_options.num_cpus=-1 must be a numbe"),
        ("ray_actor_options: {^gpus: 1}", "ray_actor_options has no key 'gpus'. Did you mean "),
        ("ray_actor_options: {runtime_env: {^pips: []}}", "runtime_env has no key 'pips'. Di"),
        ("lambda_options: {memory_mb: ^1}", "memory_mb=1 must be a whole number from 128 to 1"),
        ("lambda_options: {^memory: 1}", "lambda_options has no key 'memory'. Did you mean 'me"),
        ("lambda_options: {url: ^open}", "url: expected one of 'buffered', 'stream', 'public-"),
        ("max_concurrent_queries: ^x", "max_concurrent_queries: expected a whole number; fou"),
        ("placement_group_bundles: [{CPU: ^x}]", "CPU: expected a number; found the text 'x'."),
    ],
)
def test_a_mistake_in_a_deployment_is_told_with_its_place(
    shop: Shop,
    key: str,
    message: str,
) -> None:
    head = "applications:\n- import_path: shop:app\n  deployments:\n  - name: Model\n"
    [mistake] = shop.mistakes(f"{head}    {key.replace('^', '')}\n")

    assert mistake.startswith(f"5:{5 + key.index('^')}: {message}")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("proxy_location: ^Everywhere", "proxy_location: expected one of 'Disabled', 'HeadOn"),
        ("target_capacity: ^101", "target_capacity=101 must be a number from 0 to 100."),
        ("http_options: {port: ^70000}", "http_options.port=70000 must be a whole number from"),
        ("http_options: {host: ^null}", "host: expected text; found null."),
        ("http_options: {request_timeout_s: ^0}", "http_options.request_timeout_s=0 must be a"),
        ("http_options: {ssl_keyfile: ^a}", "http_options needs ssl_keyfile and ssl_certfile"),
        ("http_options: {^middlewares: []}", "http_options has no key 'middlewares'. Known are"),
        ("grpc_options: {port: ^x}", "port: expected a whole number; found the text 'x'."),
        ("tracing_config: {sampling_ratio: ^2}", "tracing_config.sampling_ratio=2 must be at "),
        ("logging_config: {encoding: ^XML}", "Got 'XML' for encoding. Encoding must be one of"),
        ("^aplications: []", "the file has no key 'aplications'. Did you mean 'applications'?"),
    ],
)
def test_a_mistake_in_the_rest_is_told_with_its_place(
    shop: Shop,
    key: str,
    message: str,
) -> None:
    text = key.replace("^", "")
    [mistake] = shop.mistakes(f"{text}\napplications:\n- import_path: shop:app\n")

    assert mistake.startswith(f"1:{1 + key.index('^')}: {message}")


def test_all_mistakes_are_told_at_once(shop: Shop) -> None:
    mistakes = shop.mistakes("""\
        http_options: {port: x}
        applications:
          - name: one
            import_path: shop
            deployments:
              - name: Model
                num_replicas: many
                autoscaling_config: {min_replicas: 5, max_replica: 9, upscale_delay_s: -1}
                gang_scheduling_config: {gang_placement_strategy: NEAR}
                max_ongoing_requests: 0
              - &wrong {nam: Gateway, num_replicas: 0}
              - *wrong
    """)

    assert [mistake.split(":")[:2] for mistake in mistakes] == [
        ["1", "22"],
        ["4", "18"],
        ["7", "23"],
        ["8", "47"],
        ["8", "80"],
        ["9", "33"],
        ["10", "31"],
        ["11", "17"],
        ["11", "17"],  # as deployments[1] and as deployments[2]
        ["11", "45"],
    ]

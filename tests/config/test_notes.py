"""What has no meaning on Lambda is accepted, and named once."""

import pytest

from tests.config.files import Shop


@pytest.mark.parametrize(
    ("file", "application", "notes"),
    [
        ("", "", []),
        ("proxy_location: EveryNode", "", []),
        ("grpc_options: {port: 9000, grpc_servicer_functions: []}", "", []),
        (
            (
                "grpc_options: {grpc_servicer_functions: [a.b]}\ncontroller_options: {}\n"
                "tracing_config: {}\ntarget_capacity: 50\n"
                "http_options: {ssl_keyfile: a, ssl_certfile: b}"
            ),
            "",
            [
                (
                    "shop.yaml: grpc_options, controller_options, tracing_config, target_capacity, "
                    "http_options['ssl_keyfile'], http_options['ssl_certfile'] have no meaning on "
                    "Lambda."
                ),
            ],
        ),
        (
            "http_options: {port: 1, host: a, request_timeout_s: 3}",
            "",
            ["shop.yaml: http_options host, port: for `adapter run` only."],
        ),
        (
            "",
            (
                "host: a, port: 1, autoscaling_policy: {policy_function: 'a:b'}, "
                "external_scaler_enabled: true, runtime_env: {conda: a, env_vars: {AA: b}}"
            ),
            [
                (
                    "shop.yaml: application 'default': host, port, autoscaling_policy, "
                    "external_scaler_enabled, runtime_env['conda'] have no meaning on Lambda."
                ),
            ],
        ),
        (
            "",
            "runtime_env: {working_dir: 's3://a/b.zip'}",
            [
                (
                    "shop.yaml: application 'default': the working_dir s3://a/b.zip is not "
                    "fetched; modules are imported from --app-dir."
                ),
            ],
        ),
    ],
)
def test_what_has_no_effect_is_named_once(
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    application: str,
    notes: list[str],
) -> None:
    monkeypatch.chdir(shop.folder)
    text = f"applications: [{{import_path: 'shop:app', {application}}}]"

    assert list(shop.plan(f"{file}\n{text}").notes) == notes


def test_what_is_about_the_file_is_named_with_its_first_application(shop: Shop) -> None:
    text = (
        "target_capacity: 50\napplications: [{import_path: 'shop:app'}, "
        "{name: other, route_prefix: null, import_path: 'shop:app'}]"
    )

    assert len(shop.plan(text).notes) == 1
    assert shop.plan(text, "other").notes == ()


def test_a_deployments_option_is_named_by_its_function(shop: Shop) -> None:
    option = "{name: Model, max_surge_percent: 10}"
    plan = shop.plan(f"applications: [{{import_path: 'shop:app', deployments: [{option}]}}]")

    assert plan.notes == ()
    assert "Model: max_surge_percent has no meaning on Lambda." in plan.all_notes

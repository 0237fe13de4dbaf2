"""What TARGET names, before anything of it is imported."""

from pathlib import Path

import pytest

from adapter.config.program import Target, read_program
from adapter.errors import ConfigError, InvalidOption
from tests.config.files import Shop

ONE = "applications: [{import_path: 'shop:app'}]"


def test_module_and_attribute_are_one_application(shop: Shop) -> None:
    target = Target(text="shop:app", app_dir=shop.folder, name="one", route_prefix="/one")
    program = read_program(target)
    plan = program.plan("one")

    assert program.applications == ("one",)
    assert (plan.name, plan.route_prefix, plan.target) == ("one", "/one", "shop:app")
    assert (program.http_options.host, program.http_options.port) == ("127.0.0.1", 8000)


def test_a_builder_gets_its_arguments(shop: Shop) -> None:
    target = Target(text="shop:build", arguments={"size": "3"}, app_dir=shop.folder)
    plan = read_program(target).plan("default")

    assert plan.target == "shop:build size=3"
    assert 'entry_point(Model, "3")' in plan.function("Model").entry_point


def test_a_file_names_its_applications_in_order(shop: Shop) -> None:
    program = shop.program("""\
        http_options: {port: 80, host: 0.0.0.0}
        applications:
          - {name: b, import_path: 'shop:app'}
          - {name: a, import_path: 'shop:app', route_prefix: /a}
    """)

    assert program.applications == ("b", "a")
    assert (program.http_options.host, program.http_options.port) == ("0.0.0.0", 80)


def test_a_file_is_imported_from_the_current_folder(
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(shop.folder.parent)

    assert shop.program(ONE).app_dir == shop.folder.parent


def test_a_working_dir_is_relative_to_the_file(shop: Shop) -> None:
    (shop.folder / "src").mkdir()
    text = "applications: [{import_path: 'shop:app', runtime_env: {working_dir: src}}]"

    assert shop.program(text).app_dir == (shop.folder / "src").resolve()
    local = text.replace("src", f"'local://{shop.folder}/src'")
    assert shop.program(local).app_dir == (shop.folder / "src").resolve()
    assert shop.program(text, Path()).app_dir == Path.cwd()


def test_a_working_dir_that_is_fetched_is_none(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.folder)
    text = "applications: [{import_path: 'shop:app', runtime_env: {working_dir: 's3://a/b.zip'}}]"

    assert shop.program(text).app_dir == shop.folder.resolve()


def test_applications_share_a_working_dir(shop: Shop) -> None:
    for name in ("src", "other"):
        (shop.folder / name).mkdir()
    with pytest.raises(ConfigError) as caught:
        shop.program("""\
            applications:
              - {import_path: 'a:b', runtime_env: {working_dir: src}}
              - {import_path: 'a:b', name: b, route_prefix: /b}
              - {import_path: 'a:b', name: c, route_prefix: /c, runtime_env: {working_dir: ./src}}
              - {import_path: 'a:b', name: d, route_prefix: /d, runtime_env: {working_dir: other}}
              - {import_path: 'a:b', name: e, route_prefix: /e, runtime_env: {working_dir: none}}
        """)
    mistakes = [line.split(": ")[1:] for line in str(caught.value).splitlines()]

    assert mistakes[1][1].startswith(f"expected {(shop.folder / 'src').resolve()}, as above")
    assert mistakes[2][1] == f"the folder {(shop.folder / 'none').resolve()} does not exist."


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"arguments": {"a": "1"}}, r"takes no arguments \(a\): write them below `args`"),
        ({"name": "x"}, "--name is for module:attribute; in .*shop.yaml it is the key 'name'"),
        ({"route_prefix": "/"}, "--route-prefix is for module:attribute; .* key 'route_prefix'"),
    ],
)
def test_what_the_file_says_is_not_for_the_command_line(
    shop: Shop,
    given: dict[str, str],
    message: str,
) -> None:
    shop.write(ONE)
    with pytest.raises(InvalidOption, match=message):
        read_program(Target(text=str(shop.path), **given))  # type: ignore[arg-type]


def test_a_file_is_called_as_it_stands_below_the_app_dir(shop: Shop) -> None:
    assert shop.program(ONE, shop.folder).plan("default").target == "shop.yaml"
    (shop.folder / "deploy").mkdir()
    deployed = shop.folder / "deploy/eu.yaml"
    deployed.write_text(ONE)
    program = read_program(Target(text=str(deployed), app_dir=shop.folder))

    assert program.plan("default").target == "deploy/eu.yaml"


def test_a_file_elsewhere_is_called_by_its_name(
    shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "eu.yaml"
    elsewhere.write_text(ONE)
    program = read_program(Target(text=str(elsewhere), app_dir=shop.folder))

    assert program.plan("default").target == "eu.yaml"

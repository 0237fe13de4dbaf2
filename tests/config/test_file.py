"""A config file as a whole: its name in messages, and what must differ inside of it."""

from pathlib import Path

import pytest

from adapter.config.file import is_config_file, read_config
from adapter.errors import ConfigError, InvalidOption
from tests.config.files import Shop

ONE = "applications: [{import_path: shop:app}]"


@pytest.mark.parametrize(
    ("target", "is_file"),
    [("a.yaml", True), ("a/b.yml", True), ("a:b", False), ("yaml:app", False), ("a.json", False)],
)
def test_a_config_file_is_told_by_its_ending(target: str, is_file: bool) -> None:  # noqa: FBT001
    assert is_config_file(target) is is_file


def test_a_file_below_the_current_folder_is_shown_relative_to_it(
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(shop.folder)
    shop.write(ONE)

    assert read_config(shop.path).shown == "shop.yaml"
    monkeypatch.chdir("/")
    assert read_config(shop.path).shown == str(shop.path).lstrip("/")


def test_a_file_elsewhere_is_shown_in_full(shop: Shop) -> None:
    assert shop.read(ONE).shown == str(shop.path)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"there is no file nowhere\.yaml\."):
        read_config(Path("nowhere.yaml"))


def test_an_application_is_found_by_its_name(shop: Shop) -> None:
    file = shop.read(
        "applications: [{import_path: a:b}, {import_path: c:d, name: x, route_prefix: null}]"
    )

    place, application = file.application("x")
    assert (place, application.import_path) == (("applications", 1), "c:d")
    with pytest.raises(InvalidOption, match="has no application 'y'"):
        file.application("y")


def test_names_and_prefixes_must_differ(shop: Shop) -> None:
    mistakes = shop.mistakes("""\
        applications:
          - import_path: shop:app
            deployments: [{name: Model}, {name: Gateway}, {name: Model}]
          - name: other
            import_path: shop:app
            deployments: [{name: Model}]
          - name: other
            import_path: shop:app
            route_prefix: null
          - name: last
            import_path: shop:app
            route_prefix: null
    """)

    assert mistakes == [
        "3:58: name='Model' is taken: line 3 has it, too.",
        "4:5: route_prefix='/' is taken: line 2 has it, too.",
        "7:11: name='other' is taken: line 4 has it, too.",
    ]


def test_an_alias_does_not_make_another_application(shop: Shop) -> None:
    mistakes = shop.mistakes("applications: [&app {import_path: shop:app}, *app]")

    assert len(mistakes) == 2
    assert "name='default' is taken: line 1 has it, too." in mistakes[0]

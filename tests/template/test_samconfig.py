import tomllib
from pathlib import Path

import pytest

from adapter.errors import BuildError, InvalidOption
from adapter.template.samconfig import find_samconfig, stack_names, write_samconfig
from tests.template.trees import write_tree


def test_first_configuration_deploys_without_flags() -> None:
    text = write_samconfig("shop:app", "shop")

    default = tomllib.loads(text)["default"]
    assert default["global"]["parameters"] == {"stack_name": "shop"}
    assert default["deploy"]["parameters"]["capabilities"] == "CAPABILITY_IAM"
    assert default["deploy"]["parameters"]["resolve_s3"] is True


@pytest.mark.parametrize("name", ["samconfig.toml", "samconfig.yaml", "samconfig.yml"])
def test_configuration_is_found_in_every_form_that_sam_reads(tmp_path: Path, name: str) -> None:
    assert find_samconfig(tmp_path) is None

    write_tree(tmp_path, {name: ""})

    assert find_samconfig(tmp_path) == tmp_path / name


def test_stack_names_of_all_environments_are_read(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "samconfig.toml": """
                version = 0.1
                [default.global.parameters]
                stack_name = "shop"
                [default.build.parameters]
                cached = true
                [production.deploy.parameters]
                stack_name = "shop-production"
                """,
        },
    )

    assert stack_names(tmp_path / "samconfig.toml") == ("shop", "shop-production")


def test_stack_names_are_read_from_yaml(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {"samconfig.yaml": "default: {deploy: {parameters: {stack_name: shop}}, x: 1}"},
    )

    assert stack_names(tmp_path / "samconfig.yaml") == ("shop",)


def test_empty_configuration_names_no_stack(tmp_path: Path) -> None:
    write_tree(tmp_path, {"samconfig.yml": ""})

    assert stack_names(tmp_path / "samconfig.yml") == ()


def test_broken_configuration_is_named(tmp_path: Path) -> None:
    write_tree(tmp_path, {"samconfig.toml": "stack =", "samconfig.yaml": "a: [b"})

    with pytest.raises(InvalidOption, match=r"samconfig.toml is not valid TOML"):
        stack_names(tmp_path / "samconfig.toml")
    with pytest.raises(BuildError, match=r"samconfig.yaml is not valid YAML"):
        stack_names(tmp_path / "samconfig.yaml")

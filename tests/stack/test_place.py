from pathlib import Path

import pytest

from adapter.errors import StackError
from adapter.stack.place import Place, find_place
from tests.template.trees import write_tree

CONFIG = """
version = 0.1
[default.global.parameters]
stack_name = "shop"
[default.deploy.parameters]
region = "eu-west-3"
profile = "work"
"""


def place(folder: Path, **options: str | None) -> Place:
    return find_place(
        folder=folder,
        stack=options.get("stack"),
        region=options.get("region"),
        profile=options.get("profile"),
        target=options.get("target"),
    )


def test_the_stack_is_the_one_that_sam_deploys(tmp_path: Path) -> None:
    write_tree(tmp_path, {"samconfig.toml": CONFIG})

    found = place(tmp_path, target="other:app")

    assert (found.name, found.access.region, found.access.profile) == ("shop", "eu-west-3", "work")


def test_flags_go_before_the_file(tmp_path: Path) -> None:
    write_tree(tmp_path, {"samconfig.toml": CONFIG})

    found = place(tmp_path, stack="prod", region="us-east-2", profile="home")

    assert (found.name, found.access.region, found.access.profile) == ("prod", "us-east-2", "home")


def test_what_is_for_deploy_alone_goes_before_what_is_for_all(tmp_path: Path) -> None:
    write_tree(tmp_path, {"samconfig.toml": f"{CONFIG}\nstack_name = 'other'\n"})

    assert place(tmp_path).name == "other"


def test_a_name_in_another_environment_serves_where_it_is_the_only_one(tmp_path: Path) -> None:
    prod = "[prod.deploy.parameters]\nstack_name = 'prod'\n"
    write_tree(tmp_path, {"samconfig.toml": prod})
    assert place(tmp_path).name == "prod"

    write_tree(tmp_path, {"samconfig.toml": prod + prod.replace("prod", "test")})
    with pytest.raises(StackError, match="names the stacks prod, test; choose one with --stack"):
        place(tmp_path)


def test_without_a_file_it_is_the_targets(tmp_path: Path) -> None:
    assert place(tmp_path, target="shop.api:app").name == "shop-api"
    with pytest.raises(StackError, match="which stack"):
        place(tmp_path)


def test_aws_region_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "ap-south-1")

    assert place(tmp_path, stack="x").access.region == "ap-south-1"

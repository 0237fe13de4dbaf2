from pathlib import Path

import pytest

from adapter.template.document import describe
from adapter.template.entries import Copy, Text, write_entries
from adapter.template.images import deploy_flags
from adapter.template.output import differences, write_project
from adapter.template.project import Project, lay_out
from adapter.template.samconfig import write_samconfig
from tests.template.plans import application, function, gateway, settings
from tests.template.trees import shop, write_tree

MODEL = function("Model", package="image", entry_point="from shop import Gateway\n")
MIXED = application(gateway(), MODEL)


def project(folder: Path, *functions: object, stage: str = "copy") -> Project:
    plan = application(gateway(), *functions)  # type: ignore[arg-type]
    return lay_out(plan, settings(shop(folder), folder, stage=stage))


def dockerfile(made: Project) -> str:
    entry = made.folders["images/application"]["Dockerfile"]
    assert isinstance(entry, Text)
    return entry.text


def test_image_has_an_image_config_in_place_of_code_and_handler() -> None:
    model = describe(MIXED, settings())["Resources"]["Model"]

    assert model["Properties"]["PackageType"] == "Image"
    assert model["Properties"]["ImageConfig"] == {"Command": ["app.handler"]}
    assert model["Metadata"] == {
        "Dockerfile": "Dockerfile",
        "DockerContext": "images/application",
        "DockerTag": "3.13-x86_64",
        "DockerBuildArgs": {"BASE": "3.13-x86_64", "FUNCTION": "model"},
    }


def test_what_only_zips_have_is_not_said_of_all_functions() -> None:
    template = describe(MIXED, settings())

    assert not {"Handler", "Runtime", "Layers"} & template["Globals"]["Function"].keys()
    gateway_ = template["Resources"]["Gateway"]["Properties"]
    assert {"Handler", "Runtime", "Layers", "CodeUri"} <= gateway_.keys()
    assert "PackageType" not in gateway_


def test_image_is_started_by_our_entry_point_or_by_that_of_aws() -> None:
    aws = function("Model", package="image", exec_wrapper=False)
    found = describe(application(gateway(), aws), settings())["Resources"]["Model"]

    assert found["Properties"]["ImageConfig"]["EntryPoint"] == ["/lambda-entrypoint.sh"]
    ours = describe(MIXED, settings())
    variables = ours["Resources"]["Model"]["Properties"].get("Environment", {})
    everywhere = ours["Globals"]["Function"]["Environment"]["Variables"]
    assert "AWS_LAMBDA_EXEC_WRAPPER" not in {**everywhere, **variables.get("Variables", {})}


def test_context_holds_what_layers_would_bring(tmp_path: Path) -> None:
    context = project(tmp_path, MODEL).folders["images/application"]

    assert {
        "Dockerfile",
        "requirements.txt",
        "functions/model/var/task/app.py",
        "python/adapter/function.py",
        "python/adapter/runtime/__main__.py",
        "python/bootstrap",
        "python/image-entrypoint",
        "python/shop.py",
    } <= context.keys()
    assert not any(name.startswith("functions/gateway") for name in context)


def test_function_that_is_an_image_has_no_folder_of_its_own(tmp_path: Path) -> None:
    folders = project(tmp_path, MODEL).folders

    assert [name for name in folders if name.startswith("functions/")] == ["functions/gateway"]


def test_context_is_a_copy_even_where_layers_are_links(tmp_path: Path) -> None:
    context = project(tmp_path, MODEL, stage="link").folders["images/application"]

    assert {type(entry) for entry in context.values()} == {Copy, Text}


def test_stack_without_images_has_no_context(tmp_path: Path) -> None:
    assert "images/application" not in project(tmp_path).folders


def test_dockerfile_is_that_of_the_first_function_unless_it_is_told_another(tmp_path: Path) -> None:
    text = dockerfile(project(tmp_path, MODEL))

    assert "ARG BASE=3.13-x86_64\nFROM public.ecr.aws/lambda/python:${BASE}\n" in text
    assert "ARG FUNCTION=model\nCOPY functions/${FUNCTION}/ /\n" in text
    assert 'ENTRYPOINT ["/opt/python/image-entrypoint"]\nCMD ["app.handler"]\n' in text
    assert "snapstart" not in text
    assert "/var/task/requirements.txt" not in text


def test_requirements_of_a_deployment_are_installed_into_its_image_only(tmp_path: Path) -> None:
    own = function("Own", package="image", requirements=("numpy==2",))
    made = project(tmp_path, MODEL, own)

    context = made.folders["images/application"]
    requirements = context["functions/own/var/task/requirements.txt"]
    assert isinstance(requirements, Text)
    assert "numpy==2\n" in requirements.text
    assert "functions/model/var/task/requirements.txt" not in context
    assert "RUN test ! -f /var/task/requirements.txt || python3 -m pip" in dockerfile(made)


def test_extension_is_in_the_images_of_those_who_ask(tmp_path: Path) -> None:
    asking = function("Asking", package="image", shutdown_extension=True)

    context = project(tmp_path, MODEL, asking).folders["images/application"]

    extension = "opt/extensions/adapter-shutdown"
    assert f"functions/asking/{extension}" in context
    assert f"functions/model/{extension}" not in context
    write_entries(context, tmp_path / "written")
    written = tmp_path / "written/functions/asking" / extension
    assert written.stat().st_mode & 0o111 == 0o111
    assert (tmp_path / "written/python/image-entrypoint").stat().st_mode & 0o111 == 0o111


def test_image_says_that_it_can_be_restored_from_a_snapshot(tmp_path: Path) -> None:
    text = dockerfile(project(tmp_path, function("Model", package="image", snap_start=True)))

    assert 'LABEL com.amazonaws.lambda.feature.snapstart="Allow"\n' in text


def test_context_is_written_and_removed_when_nothing_is_an_image_any_more(tmp_path: Path) -> None:
    write_project(project(tmp_path, MODEL))
    assert (tmp_path / "images/application/Dockerfile").is_file()
    assert differences(project(tmp_path, MODEL)) == ()

    write_project(project(tmp_path))

    assert not (tmp_path / "images/application").exists()


@pytest.mark.parametrize(
    ("config", "flags"),
    [
        ('[default.deploy.parameters]\nstack_name = "shop"\n', " --resolve-image-repos"),
        (write_samconfig("shop:app", "shop"), ""),
        ('[default.deploy.parameters]\nimage_repository = "1.dkr.ecr/shop"\n', ""),
    ],
)
def test_deploy_command_makes_repositories_where_the_configuration_does_not(
    tmp_path: Path, config: str, flags: str
) -> None:
    write_tree(tmp_path, {"samconfig.toml": config})

    assert deploy_flags(MIXED, tmp_path / "samconfig.toml") == flags
    assert deploy_flags(application(gateway()), tmp_path / "samconfig.toml") == ""
    assert deploy_flags(MIXED, None) == ""

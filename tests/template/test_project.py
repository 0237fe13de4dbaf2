from pathlib import Path

import pytest

from adapter.errors import BuildError
from adapter.plan.values import Concurrency
from adapter.template.entries import Text
from adapter.template.project import Project, lay_out, not_installed
from tests.template.plans import application, function, gateway, settings
from tests.template.trees import shop, write_tree


def text(project: Project, folder: str, name: str) -> str:
    entry = project.folders[folder][name]
    assert isinstance(entry, Text)
    return entry.text


def test_project_has_a_folder_for_each_function_and_layer(tmp_path: Path) -> None:
    project = lay_out(application(gateway(), function("Model")), settings(shop(tmp_path), tmp_path))

    assert list(project.files) == ["template.yaml", "samconfig.toml"]
    assert list(project.folders) == [
        "functions/gateway",
        "functions/model",
        "layers/adapter",
        "layers/dependencies",
        "layers/application",
    ]


def test_entry_point_is_written_as_planned(tmp_path: Path) -> None:
    plan = application(gateway())

    project = lay_out(plan, settings(shop(tmp_path), tmp_path))

    assert list(project.folders["functions/gateway"]) == ["app.py"]
    assert text(project, "functions/gateway", "app.py") == plan.functions[0].entry_point


def test_function_with_requirements_of_its_own_has_a_file_of_them(tmp_path: Path) -> None:
    plan = application(gateway(requirements=("torch", "numpy==2")))

    project = lay_out(plan, settings(shop(tmp_path), tmp_path))

    assert text(project, "functions/gateway", "requirements.txt") == (
        "# Written by `adapter build shop:app`.\nnumpy==2\ntorch\n"
    )


def test_layer_lists_what_was_written_into_it(tmp_path: Path) -> None:
    project = lay_out(application(gateway()), settings(shop(tmp_path), tmp_path))

    assert text(project, "layers/application", ".written-by-adapter") == (
        "Written by `adapter build shop:app`, which replaces:\nshop.py\n"
    )


def test_shutdown_extension_has_a_folder_only_where_it_is_wanted(tmp_path: Path) -> None:
    plan = application(gateway(shutdown_extension=True))

    project = lay_out(plan, settings(shop(tmp_path), tmp_path))

    assert list(project.folders["layers/shutdown-extension"]) == [
        ".written-by-adapter",
        "extensions/adapter-shutdown",
    ]


def test_runtime_that_a_function_cannot_have_is_refused(tmp_path: Path) -> None:
    managed = gateway(capacity_provider="models", concurrency=Concurrency(managed=True))

    with pytest.raises(BuildError, match=r"Gateway: Managed Instances need python3\.13"):
        lay_out(application(managed), settings(shop(tmp_path), tmp_path, runtime="python3.12"))


def test_samconfig_that_is_there_stays(tmp_path: Path) -> None:
    write_tree(shop(tmp_path), {"samconfig.yaml": ""})

    project = lay_out(application(gateway()), settings(tmp_path, tmp_path))

    assert list(project.files) == ["template.yaml"]


def test_names_are_checked_with_the_stack_name_of_samconfig(tmp_path: Path) -> None:
    name = "s" * 60
    write_tree(
        shop(tmp_path),
        {"samconfig.toml": f'[default.deploy.parameters]\nstack_name = "{name}"'},
    )

    with pytest.raises(BuildError, match=f"called '{name}-Gateway'"):
        lay_out(application(gateway()), settings(tmp_path, tmp_path))


def test_names_are_checked_with_the_stack_name_given(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"called 's+-Gateway'"):
        lay_out(application(gateway()), settings(shop(tmp_path), tmp_path, stack_name="s" * 60))


def test_stack_name_given_goes_into_samconfig(tmp_path: Path) -> None:
    project = lay_out(application(gateway()), settings(shop(tmp_path), tmp_path, stack_name="prod"))

    assert 'stack_name = "prod"' in project.files["samconfig.toml"].text


@pytest.mark.parametrize(
    ("samconfig", "stack_name", "command"),
    [
        (None, None, "sam deploy"),
        (None, "prod", "sam deploy"),
        ("stack_name = 'shop'", None, "sam deploy"),
        ("stack_name = 'shop'", "prod", "sam deploy --stack-name prod"),
        ("stack_name = 'prod'", "prod", "sam deploy"),
        ("region = 'eu-central-1'", None, "sam deploy --guided"),
    ],
)
def test_deploy_command_says_what_samconfig_does_not(
    tmp_path: Path,
    samconfig: str | None,
    stack_name: str | None,
    command: str,
) -> None:
    if samconfig:
        write_tree(tmp_path, {"samconfig.toml": f"[default.deploy.parameters]\n{samconfig}"})

    chosen = settings(shop(tmp_path), tmp_path, stack_name=stack_name)

    assert lay_out(application(gateway()), chosen).deploy_command == command


def test_notes_of_functions_are_told_once(tmp_path: Path) -> None:
    plan = application(gateway(notes=("a", "b")), function("Model", notes=("b", "c")))

    assert lay_out(plan, settings(shop(tmp_path), tmp_path)).notes == ("a", "b", "c")


def test_import_that_no_requirement_installs_is_found(tmp_path: Path) -> None:
    write_tree(tmp_path, {"shop.py": "import yaml, fastapi, click, boto3"})
    plan = application(gateway(requirements=("click",)))

    assert not_installed(plan, settings(tmp_path, tmp_path)) == (("yaml", "PyYAML"),)


def test_import_from_elsewhere_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path, {"app/shop.py": "import lib_three", "src/lib_three.py": ""})
    monkeypatch.syspath_prepend(tmp_path / "src")

    [note] = lay_out(application(gateway()), settings(tmp_path / "app", tmp_path)).notes

    assert "imports 'lib_three' from outside of the app dir" in note


def test_files_left_out_by_name_are_told(tmp_path: Path) -> None:
    write_tree(tmp_path, {"shop/__init__.py": "", "shop/ca.pem": "", "shop/x.so": ""})

    [note] = lay_out(application(gateway()), settings(tmp_path, tmp_path)).notes

    assert note.startswith("left out of layers/application: shop/ca.pem, shop/x.so;")

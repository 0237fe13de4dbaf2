from typing import Any

from adapter.plan.values import Concurrency
from adapter.template.cloudformation import Ref
from adapter.template.document import describe
from tests.template.plans import application, function, gateway, settings

FONTS = "arn:aws:lambda:eu-central-1:123456789012:layer:fonts:7"


def template(*functions: Any, **options: Any) -> dict[str, Any]:
    return describe(application(*functions), settings(**options))


def layers(found: dict[str, Any]) -> dict[str, Any]:
    return {
        name: resource["Properties"]
        for name, resource in found["Resources"].items()
        if resource["Type"] == "AWS::Serverless::LayerVersion"
    }


def used(found: dict[str, Any], name: str) -> list[Any]:
    return [
        *found["Globals"]["Function"].get("Layers", []),
        *found["Resources"][name]["Properties"].get("Layers", []),
    ]


def test_dependencies_are_installed_once_for_each_platform_that_occurs() -> None:
    found = template(
        gateway(),
        function("Arm", architecture="arm64"),
        function("OtherArm", architecture="arm64"),
        function("Older", runtime="python3.12"),
    )

    dependencies = {
        name: (one["CompatibleRuntimes"], one["CompatibleArchitectures"], one["ContentUri"])
        for name, one in layers(found).items()
        if name.startswith("Dependencies")
    }
    content = "layers/dependencies/"
    assert dependencies == {
        "DependenciesLayer": (["python3.13"], ["x86_64"], content),
        "DependenciesLayerPython312X8664": (["python3.12"], ["x86_64"], content),
        "DependenciesLayerPython313Arm64": (["python3.13"], ["arm64"], content),
    }
    assert found["Resources"]["DependenciesLayerPython313Arm64"]["Metadata"] == {
        "BuildArchitecture": "arm64",
        "BuildMethod": "python3.13",
    }


def test_layers_of_source_are_shared_by_all_platforms() -> None:
    found = template(gateway(), function("Arm", architecture="arm64", runtime="python3.12"))

    for name in ("AdapterLayer", "ApplicationLayer"):
        assert layers(found)[name]["CompatibleArchitectures"] == ["x86_64", "arm64"]
        assert layers(found)[name]["CompatibleRuntimes"] == ["python3.13", "python3.12"]


def test_each_function_has_the_dependencies_of_its_platform_before_the_application() -> None:
    found = template(gateway(), function("Arm", architecture="arm64"))

    assert used(found, "Gateway") == [
        Ref("AdapterLayer"),
        Ref("DependenciesLayer"),
        Ref("ApplicationLayer"),
    ]
    assert used(found, "Arm") == [
        Ref("AdapterLayer"),
        Ref("DependenciesLayerPython313Arm64"),
        Ref("ApplicationLayer"),
    ]


def test_platform_that_nothing_runs_on_has_no_layer() -> None:
    found = template(gateway(architecture="arm64"))

    assert sorted(layers(found)) == [
        "AdapterLayer",
        "ApplicationLayer",
        "DependenciesLayerPython313Arm64",
    ]
    assert found["Resources"]["AdapterLayer"]["Metadata"]["BuildArchitecture"] == "arm64"


def test_layers_of_the_user_come_last() -> None:
    found = template(
        gateway(), function("Model", layers=(FONTS, "${Own}"), shutdown_extension=True)
    )

    assert used(found, "Model")[3:] == [Ref("ShutdownExtensionLayer"), FONTS, Ref("Own")]
    assert len(used(found, "Gateway")) == 3


def test_new_layers_are_new_versions_where_there_is_an_alias() -> None:
    found = template(gateway(concurrency=Concurrency(provisioned=1)))

    assert all(one["PublishLambdaVersion"] for one in layers(found).values())


def test_images_have_no_layers() -> None:
    found = template(gateway(package="image", shutdown_extension=True))

    assert layers(found) == {}
    assert used(found, "Gateway") == []

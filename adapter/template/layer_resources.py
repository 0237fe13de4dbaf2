"""The layers in the template, and which of them a function gets."""

from typing import Any

from adapter.plan.values import FunctionPlan, StackPlan
from adapter.template.cloudformation import Ref, Sub, with_references
from adapter.template.names import LAYERS, SHUTDOWN_EXTENSION, layers_of
from adapter.template.platforms import Platform, platform_of, platforms
from adapter.template.settings import BuildSettings

_DESCRIPTIONS = {
    "adapter": "The adapter's run-time part and its exec wrapper",
    "dependencies": "Third-party packages of the functions",
    "application": "Source and data of the application",
    "shutdown-extension": "Makes Lambda send SIGTERM before it ends an environment",
}
# What pip installs is of one Python and one processor; everything else is Python's source.
_COMPILED = "dependencies"


def layers_for(function: FunctionPlan, settings: BuildSettings) -> dict[str, Any]:
    """Return the property with the layers that every function of a zip has; none for an image.

    Later layers hide files of earlier ones, so the application comes last.
    """
    if function.package == "image":
        return {}
    platform = platform_of(function, settings)
    return {"Layers": [Ref(_layer_id(name, platform, settings)) for name in LAYERS]}


def further_layers(function: FunctionPlan) -> list[Any]:
    """Return the layers that this function has besides those."""
    if function.package == "image":
        return []
    extension = [Ref(SHUTDOWN_EXTENSION)] if function.shutdown_extension else []
    return [*extension, *map(with_references, function.layers)]


def layer_resources(stack: StackPlan, settings: BuildSettings) -> dict[str, Any]:
    """Return the layers of a stack, by logical id.

    Dependencies are installed once for each platform that occurs. The other layers are shared by
    all of them.
    """
    found = platforms(stack, settings)
    aliases = any(function.alias for function in stack.functions)
    resources: dict[str, Any] = {}
    for name, logical_id in layers_of(stack).items():
        if name != _COMPILED:
            resources[logical_id] = _layer(name, name, found, aliases=aliases)
            continue
        for platform in found:
            own = _layer_id(name, platform, settings)
            suffix = "" if own == logical_id else f"-{platform.words}"
            resources[own] = _layer(name, f"{name}{suffix}", [platform], aliases=aliases)
    return resources


def _layer_id(name: str, platform: Platform, settings: BuildSettings) -> str:
    own = (settings.runtime, settings.architecture)
    return LAYERS[name] + (platform.identifier if name == _COMPILED and platform != own else "")


def _layer(folder: str, name: str, found: list[Platform], *, aliases: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "LayerName": Sub(f"${{AWS::StackName}}-{name}"),
        "Description": _DESCRIPTIONS[folder],
        "ContentUri": f"layers/{folder}/",
        "CompatibleArchitectures": _distinct([one.architecture for one in found]),
        "CompatibleRuntimes": _distinct([one.runtime for one in found]),
        "RetentionPolicy": "Delete",
    }
    if aliases:
        properties["PublishLambdaVersion"] = True  # a new layer moves the aliases on
    return {
        "Type": "AWS::Serverless::LayerVersion",
        **_build_method(folder, found[0]),
        "Properties": properties,
    }


def _build_method(folder: str, platform: Platform) -> dict[str, Any]:
    """Let `sam build` make a layer of Python; what it does not build it ships as it is."""
    if folder not in LAYERS:
        return {}
    return {
        "Metadata": {
            "BuildArchitecture": platform.architecture,
            "BuildMethod": platform.runtime,
        },
    }


def _distinct(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))

"""Functions that are container images: a Dockerfile on AWS's base image, and what goes into it.

One folder holds what the images of all functions are made of, because most of it is the same; the
build argument FUNCTION says which function's entry point goes in. What layers would bring is where
they would bring it, so that code finds the same places in an image and in a zip.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from adapter.plan.values import FunctionPlan, StackPlan
from adapter.template.entries import Copy, Entries, Entry, Text
from adapter.template.layers import adapter_layer
from adapter.template.marks import written_by
from adapter.template.platforms import Platform, platform_of
from adapter.template.requirements import Requirements
from adapter.template.settings import BuildSettings
from adapter.template.sources import Sources

CONTEXT = "images/application"

_FILES = Path(__file__).parent
_BASE = "public.ecr.aws/lambda/python"  # https://gallery.ecr.aws/lambda/python
_AWS_ENTRY_POINT = "/lambda-entrypoint.sh"
_LIBRARIES = "/opt/python"
_PIP = "python3 -m pip install --no-cache-dir --disable-pip-version-check --root-user-action ignore"
_COMPILE = "python3 -m compileall -q --invalidation-mode unchecked-hash"
_REPOSITORIES = ("image_repository", "image_repositories", "resolve_image_repos")


def image_functions(stack: StackPlan) -> list[FunctionPlan]:
    """Return the functions that are images."""
    return [function for function in stack.functions if function.package == "image"]


def image_properties(function: FunctionPlan) -> dict[str, Any]:
    """Return the properties of a function that is an image, in place of code and handler."""
    config: dict[str, Any] = {"Command": [function.handler]}
    if not function.exec_wrapper:
        config["EntryPoint"] = [_AWS_ENTRY_POINT]
    return {"PackageType": "Image", "ImageConfig": config}


def image_metadata(function: FunctionPlan, settings: BuildSettings) -> dict[str, Any]:
    """Return what tells `sam build` how to make the image; none for a zip.

    https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-using-build.html
    """
    if function.package != "image":
        return {}
    platform = platform_of(function, settings)
    return {
        "Dockerfile": "Dockerfile",
        "DockerContext": CONTEXT,
        "DockerTag": _tag(platform),
        "DockerBuildArgs": {"BASE": _tag(platform), "FUNCTION": function.folder},
    }


def image_context(
    stack: StackPlan,
    settings: BuildSettings,
    requirements: Requirements,
    sources: Sources,
) -> Entries:
    """Return the folder that images are built in.

    Everything in it is a copy, whatever the setting stage says: container engines follow no links
    out of the folder.
    """
    functions = image_functions(stack)
    libraries: dict[str, Entry] = {
        **adapter_layer(replace(settings, stage="copy")),
        **{name: Copy(source=path) for name, path in sources.files.items()},
    }
    entries: dict[str, Entry] = {
        "Dockerfile": Text(text=_dockerfile(stack, functions, settings)),
        "requirements.txt": Text(text=requirements.text(stack.target)),
        "python/image-entrypoint": Copy(source=_FILES / "image-entrypoint"),
        **{f"python/{name}": entry for name, entry in libraries.items()},
    }
    for function in functions:
        own = _own_entries(function, stack.target)
        entries |= {f"functions/{function.folder}/{name}": entry for name, entry in own.items()}
    return entries


def deploy_flags(stack: StackPlan, samconfig: Path | None) -> str:
    """Return the flags that `sam deploy` needs for images, where the configuration is older.

    Images are pushed to repositories; with this flag SAM makes them.
    """
    if samconfig is None or not image_functions(stack):
        return ""
    text = samconfig.read_text(encoding="utf-8")
    return "" if any(name in text for name in _REPOSITORIES) else " --resolve-image-repos"


def _own_entries(function: FunctionPlan, target: str) -> dict[str, Entry]:
    """Return the files of one function, where they stand in its image."""
    entries: dict[str, Entry] = {
        f"var/task/{function.module}.py": Text(text=function.entry_point),
    }
    if function.requirements:
        lines = [f"# {written_by(target)}.", *sorted(function.requirements)]
        entries["var/task/requirements.txt"] = Text(text="\n".join(lines) + "\n")
    if function.shutdown_extension:
        extension = Copy(source=_FILES / "adapter-shutdown")
        entries["opt/extensions/adapter-shutdown"] = extension
    return entries


def _dockerfile(
    stack: StackPlan,
    functions: list[FunctionPlan],
    settings: BuildSettings,
) -> str:
    first = functions[0]
    sections = [
        [
            f"# {written_by(stack.target)}, which replaces this file.",
            "# `sam build` makes an image of it for each function that asks for one, and names the",
            "# function and its base image in these arguments.",
            f"ARG BASE={_tag(platform_of(first, settings))}",
            f"FROM {_BASE}:${{BASE}}",
        ],
        [
            "COPY requirements.txt /tmp/requirements.txt",
            f"RUN {_PIP} --target {_LIBRARIES} --requirement /tmp/requirements.txt",
            f"COPY python/ {_LIBRARIES}/",
        ],
        [f"ARG FUNCTION={first.folder}", "COPY functions/${FUNCTION}/ /"],
    ]
    if any(function.requirements for function in functions):
        own = "/var/task/requirements.txt"
        sections[-1].append(f"RUN test ! -f {own} || {_PIP} --target /var/task --requirement {own}")
    sections.append(
        [
            "# A function cannot write there later, so Python could not keep what it compiles.",
            f"RUN {_COMPILE} {_LIBRARIES} /var/task || true",
        ],
    )
    end = [f'ENTRYPOINT ["{_LIBRARIES}/image-entrypoint"]', f'CMD ["{first.handler}"]']
    if any(function.snap_start for function in functions):
        # https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
        end.insert(0, 'LABEL com.amazonaws.lambda.feature.snapstart="Allow"')
    sections.append(end)
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _tag(platform: Platform) -> str:
    """Return the base image's tag: `3.13-arm64`."""
    return f"{platform.runtime.removeprefix('python')}-{platform.architecture}"

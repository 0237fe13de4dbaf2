"""A whole SAM project as values: everything that `adapter build` puts on disk."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from adapter.plan.values import FunctionPlan, StackPlan
from adapter.template.cloudformation import write_template
from adapter.template.distributions import missing
from adapter.template.document import describe
from adapter.template.entries import Entries, Entry, Text
from adapter.template.event_sources import check_made_names
from adapter.template.fronts import front_notes
from adapter.template.images import CONTEXT, deploy_flags, image_context, image_functions
from adapter.template.layers import (
    adapter_layer,
    application_layer,
    dependencies_layer,
    shutdown_extension_layer,
)
from adapter.template.marks import MARK_FILE, write_mark, written_by
from adapter.template.names import (
    check_function_names,
    check_logical_ids,
    default_stack_name,
    layers_of,
)
from adapter.template.requirements import Requirements, find_requirements
from adapter.template.runtimes import check_runtime, runtime_notes
from adapter.template.samconfig import find_samconfig, stack_names, write_samconfig
from adapter.template.selection import Selection
from adapter.template.settings import BuildSettings
from adapter.template.sources import Sources, find_sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The files and folders of a SAM project, by path below `output`.

    `files` are single files, `folders` are replaced as wholes. `deploy_command` deploys what
    `sam build` has built. `notes` are sentences to tell the user once.
    """

    output: Path
    files: Mapping[str, Text]
    folders: Mapping[str, Entries]
    requirements: Requirements
    deploy_command: str
    notes: tuple[str, ...] = ()


def lay_out(plan: StackPlan, settings: BuildSettings) -> Project:
    """Work out the SAM project of a stack. Nothing is written.

    Raises `BuildError` for names and a runtime that AWS would refuse, and for code that cannot be
    shipped.
    """
    check_runtime(plan, settings)
    samconfig = find_samconfig(settings.output)
    stack_name = settings.stack_name or default_stack_name(plan.target)
    configured = stack_names(samconfig) if samconfig else (stack_name,)
    chosen = [settings.stack_name] if settings.stack_name else []
    check_function_names(plan, [*configured, *chosen])
    check_made_names(plan, [*configured, *chosen])
    check_logical_ids(plan)
    files = {"template.yaml": Text(text=write_document(plan, settings))}
    if samconfig is None:
        files["samconfig.toml"] = Text(text=write_samconfig(plan.target, stack_name))
    deploy_command = _deploy_command(configured, settings.stack_name)
    return _project(plan, settings, files, deploy_command + deploy_flags(plan, samconfig))


def _deploy_command(named: Collection[str], chosen: str | None) -> str:
    """Say what samconfig.toml does not: the stack's name."""
    if chosen and chosen not in named:
        return f"sam deploy --stack-name {chosen}"
    return "sam deploy" if named else "sam deploy --guided"


def _project(
    plan: StackPlan,
    settings: BuildSettings,
    files: Mapping[str, Text],
    deploy_command: str,
) -> Project:
    selection = _selection(settings)
    entry_points = [function.entry_point for function in plan.functions]
    sources = find_sources(entry_points, selection, settings.include)
    requirements = find_requirements(settings.app_dir)
    layers = {
        "adapter": adapter_layer(settings),
        "dependencies": dependencies_layer(requirements, plan.target),
        "application": application_layer(sources, selection, settings),
        "shutdown-extension": shutdown_extension_layer(settings),
    }
    wanted: dict[str, Entries] = {f"layers/{name}": layers[name] for name in layers_of(plan)}
    if image_functions(plan):
        wanted[CONTEXT] = image_context(plan, settings, requirements, sources)
    return Project(
        output=settings.output,
        files=files,
        folders={**_functions(plan), **_marked(wanted, plan.target)},
        requirements=requirements,
        deploy_command=deploy_command,
        notes=(
            *runtime_notes(plan, settings),
            *_notes(plan, sources, selection),
        ),
    )


def _selection(settings: BuildSettings) -> Selection:
    output = settings.output.resolve()
    generated = ("functions", "images", "layers", "samconfig.toml", "template.yaml")
    return Selection(
        root=settings.app_dir.resolve(),
        exclude=settings.exclude,
        generated=frozenset(output / name for name in generated),
    )


def not_installed(plan: StackPlan, settings: BuildSettings) -> tuple[tuple[str, str], ...]:
    """Return what the code imports and no requirement installs: module and distribution.

    Raises `BuildError` for code that cannot be shipped and requirements that cannot be read.
    """
    entry_points = [function.entry_point for function in plan.functions]
    sources = find_sources(entry_points, _selection(settings), settings.include)
    own = [line for function in plan.functions for line in function.requirements]
    required = [*find_requirements(settings.app_dir).all, *own]
    return tuple(missing(sources.installed, required))


def write_document(plan: StackPlan, settings: BuildSettings) -> str:
    """Return the text of template.yaml."""
    header = (
        f"# {written_by(plan.target)}, which replaces this file.\n"
        "# Change the program or [tool.adapter] in pyproject.toml, then build again.\n"
    )
    return header + write_template(describe(plan, settings))


def _functions(plan: StackPlan) -> dict[str, Entries]:
    return {
        f"functions/{one.folder}": _function_entries(one, plan.target)
        for one in plan.functions
        if one.package == "zip"
    }


def _function_entries(function: FunctionPlan, target: str) -> dict[str, Entry]:
    entries: dict[str, Entry] = {f"{function.module}.py": Text(text=function.entry_point)}
    if function.requirements:
        lines = [f"# {written_by(target)}.", *sorted(function.requirements)]
        entries["requirements.txt"] = Text(text="\n".join(lines) + "\n")
    return entries


def _marked(folders: Mapping[str, Entries], target: str) -> dict[str, Entries]:
    return {
        name: {MARK_FILE: Text(text=write_mark(target, entries)), **entries}
        for name, entries in folders.items()
    }


def _notes(
    plan: StackPlan,
    sources: Sources,
    selection: Selection,
) -> Iterator[str]:
    yield from plan.all_notes
    yield from front_notes(plan)
    for module in sources.outside:
        yield f"the code imports {module!r} from outside of the app dir; Lambda will not have it."
    left_out = sorted(
        path.relative_to(selection.root).as_posix()
        for root in sources.roots.values()
        for path in selection.surprises(root)
    )
    if left_out:
        yield (
            f"left out of layers/application: {', '.join(left_out)}; such files may hold a "
            "secret, or `sam build` drops them."
        )

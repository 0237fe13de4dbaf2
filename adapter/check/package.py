"""What goes into the packages."""

from collections.abc import Iterator

from adapter.check.stack import Stack
from adapter.check.values import Fault
from adapter.template import package_sizes


def too_large(stack: Stack) -> Iterator[Fault]:
    """Lambda unpacks 250 MB, a function and its layers together; images may have 10 GB."""
    for found in package_sizes.too_large(stack.build, stack.plan):
        name = stack.name(found.function)
        yield Fault(name, found.reason, package_sizes.REMEDY, found.function.logical_id)


def not_installed(stack: Stack) -> Iterator[Fault]:
    """What a laptop has installed by chance is not there on Lambda."""
    for module, name in stack.not_installed:
        yield Fault(
            "",
            f"the code imports {module!r}, which no requirement installs.",
            f"Add {name} to requirements.txt; silence this where the import may fail.",
        )

"""Programs as users write them, on disk, planned and run."""

import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapter.plan.target import plan_target
from adapter.plan.values import ApplicationPlan

MODEL = """
@serve.deployment
class Model:
    def __init__(self, *args, **kwargs):
        self.args, self.kwargs = args, kwargs

    def read(self):
        return [list(self.args), self.kwargs]
"""


class Program:
    """A folder with modules that can be planned; its modules are forgotten afterwards."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, **modules: str) -> None:
        """Write modules; `__` in a name is a folder."""
        for name, source in modules.items():
            path = self.folder / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(source))

    def plan(self, source: str, target: str = "program:app", **settings: Any) -> ApplicationPlan:
        """Write a module `program` and plan it."""
        self.write(program="from adapter import serve\n" + textwrap.dedent(source))
        return plan_target(target, app_dir=self.folder, **settings)

    def forget(self) -> None:
        """Forget what was imported from the folder."""
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", "")).startswith(str(self.folder)):
                del sys.modules[name]


@contextmanager
def program_in(folder: Path) -> Iterator[Program]:
    """Make a program and leave `sys.path` and `sys.modules` as they were."""
    path, made = list(sys.path), Program(folder)
    yield made
    sys.path[:] = path
    made.forget()


def run(entry_point: str) -> dict[str, Any]:
    """Run the text of `functions/<folder>/app.py` and return what it defines."""
    names: dict[str, Any] = {}
    exec(compile(entry_point, "app.py", "exec"), names)
    return names

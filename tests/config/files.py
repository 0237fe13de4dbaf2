"""Config files and programs as users write them, in a folder of their own."""

import contextlib
import textwrap
from collections.abc import Iterator
from pathlib import Path

from adapter.config.file import ConfigFile, read_config
from adapter.config.program import Program, Target, read_program
from adapter.errors import ConfigError
from adapter.plan.values import ApplicationPlan
from tests.plan import programs

SHOP = """
import os

from adapter import serve

@serve.deployment(max_ongoing_requests=7)
class Model:
    def __init__(self, size=1): ...
    def reconfigure(self, config): ...
    def __call__(self, text): ...

@serve.deployment(ray_actor_options={"num_cpus": 1, "runtime_env": {"env_vars": {"AA": "code"}}})
class Gateway:
    def __init__(self, model, greeting): ...
    def __call__(self, request): ...

def build(args):
    return Gateway.bind(Model.bind(args["size"]), os.environ.get("GREETING"))

app = Gateway.bind(Model.bind(), os.environ.get("GREETING"))
"""


class Shop:
    """A folder with the program `shop` and the config file `shop.yaml`."""

    def __init__(self, program: programs.Program) -> None:
        self.folder = program.folder
        self._program = program
        program.write(shop=SHOP)

    @property
    def path(self) -> Path:
        return self.folder / "shop.yaml"

    def write(self, text: str) -> None:
        """Write the config file."""
        self.path.write_text(textwrap.dedent(text), encoding="utf-8")

    def read(self, text: str) -> ConfigFile:
        """Write the config file and read it."""
        self.write(text)
        return read_config(self.path)

    def program(self, text: str, app_dir: Path | None = None) -> Program:
        """Write the config file and read it as TARGET."""
        self.write(text)
        return read_program(Target(text=str(self.path), app_dir=app_dir))

    def plan(self, text: str, application: str = "default") -> ApplicationPlan:
        """Write the config file and plan one of its applications, imported from this folder."""
        self._program.forget()
        return self.program(text, self.folder).plan(application)

    def mistakes(self, text: str) -> list[str]:
        """Return what is wrong in a config file, or in an application of it, each with its place.

        The file's own name is left out.
        """
        try:
            file = self.read(text)
            for application in file.config.applications:
                self.plan(text, application.name)
        except ConfigError as error:
            lines = str(error).splitlines()
            return [line.replace(f"{self.path}:", "") for line in lines if ":" in line]
        return []


@contextlib.contextmanager
def shop_in(folder: Path) -> Iterator[Shop]:
    """Make a shop and leave `sys.path` and `sys.modules` as they were."""
    with programs.program_in(folder) as program:
        yield Shop(program)

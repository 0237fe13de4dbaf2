"""No module of the package turns data into code, but for the few that are named here."""

from pathlib import Path

import pytest

import adapter
from tests.code_from_data import Finding, find

PACKAGE = Path(adapter.__file__).parent

# What is found, and why it is no way in.
ALLOWED = {
    Finding("adapter.calls.codec", "_StandardType.restore", "importlib.import_module"): (
        "a type of the standard library from a closed list; the tag only chooses in it"
    ),
    Finding("adapter.calls.rebuild", "_hints", "typing.get_type_hints"): (
        "the annotations of the receiver's own method"
    ),
    Finding("adapter.calls.rebuild", "_hints_of_class", "typing.get_type_hints"): (
        "the annotations of the receiver's own dataclass"
    ),
    Finding("adapter.calls.secrets", "_read_after_restore", "importlib.import_module"): (
        "a module of Lambda's runtimes, by a name that is written there"
    ),
    Finding("adapter.cli.main", "_LazyGroup.get_command", "importlib.import_module"): (
        "a command from a closed list, typed on the command line"
    ),
    Finding("adapter.config.plan_text", "", "typing.get_type_hints"): "imported for _load, below",
    Finding("adapter.config.plan_text", "_load", "typing.get_type_hints"): (
        "the annotations of our own plan values, at build time"
    ),
    Finding("adapter.drivers", "_imported", "importlib.import_module"): (
        "the HTTP adapter that the program names in DAGDriver.bind"
    ),
    Finding("adapter.errors.remote", "_builtin", "builtins as a value"): (
        "an answer names an error; only exception classes are taken, and made of a text at most"
    ),
    Finding("adapter.http_adapters.packages", "_is_there", "importlib.import_module"): (
        "the packages that the author of a function names in its decorator"
    ),
    Finding("adapter.http.views", "_method_of", "types.FunctionType"): (
        "the user's own application is copied, with the method that instrumentation gave it"
    ),
    Finding("adapter.plan.arguments", "_named", "builtins as a value"): (
        "the name of an object that the user's program holds, at build time"
    ),
    Finding("adapter.plan.builders", "_model", "typing.get_type_hints"): (
        "the annotations of the user's own application builder, at build time"
    ),
    Finding("adapter.plan.builders", "makes_application", "typing.get_type_hints"): (
        "the annotations of the user's own function, at build time"
    ),
    Finding("adapter.plan.entry_points", "entry_point_text", "compile"): (
        "the syntax check of an entry point, at build time; it is not run"
    ),
    Finding("adapter.plan.streams", "_return_annotation", "eval_str="): (
        "the annotations of the user's own route, at build time"
    ),
    Finding("adapter.plan.target", "_import", "importlib.import_module"): (
        "the user's module, by the name typed on the command line"
    ),
    Finding("adapter.runtime.import_hook", "", "importlib.util.find_spec"): (
        "imported for _Finder.find_spec, below"
    ),
    Finding("adapter.runtime.import_hook", "_Finder.find_spec", "importlib.util.find_spec"): (
        "a module from a closed list, which the import system is about to import"
    ),
    Finding("adapter.runtime.import_hook", "_Loader.exec_module", ".exec_module"): (
        "its loader's own way to execute it"
    ),
    Finding("adapter.runtime.loading", "load_handler", "importlib.import_module"): (
        "the handler's module, by Lambda's variable _HANDLER"
    ),
    Finding("adapter.serve", "__getattr__", "importlib.import_module"): (
        "a module of adapter.serve from a closed list"
    ),
    Finding("adapter.serve.schema", "__getattr__", "importlib.import_module"): (
        "modules of this package, from a closed list of names"
    ),
    Finding("adapter.serve.config", "__getattr__", "importlib.import_module"): (
        "a module of adapter.serve from a closed list"
    ),
    Finding("adapter.template.cloudformation", "read_template", "yaml.load"): (
        "with a SafeLoader that knows CloudFormation's tags besides"
    ),
    Finding("adapter.template.sources", "", "importlib.util.find_spec"): (
        "imported for _spec, below"
    ),
    Finding("adapter.template.sources", "_spec", "importlib.util.find_spec"): (
        "a top-level name in the user's source, at build time; it is looked for, not imported"
    ),
}


def sources() -> list[Path]:
    """Return the files that are Python, the shutdown extension included, which has no suffix."""
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix in {"", ".py"}]
    return [path for path in files if path.suffix or b"python" in path.read_bytes()[:40]]


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.fixture(scope="module")
def found() -> set[Finding]:
    return {one for path in sources() for one in find(path.read_text(), module_name(path))}


def test_no_module_turns_data_into_code(found: set[Finding]) -> None:  # R10
    assert found - ALLOWED.keys() == set()


def test_each_exception_is_still_needed(found: set[Finding]) -> None:
    assert ALLOWED.keys() - found == set()


def test_the_scripts_without_suffix_are_read_too() -> None:
    assert {path.name for path in sources() if not path.suffix} == {"adapter-shutdown"}


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import pickle", "pickle"),
        ("import pickle as json", "pickle"),
        ("def f():\n    from _pickle import loads", "_pickle.loads"),
        ("from pickle import *", "pickle"),
        ("import cloudpickle.compat", "cloudpickle.compat"),
        ("import dill", "dill"),
        ("import marshal", "marshal"),
        ("import shelve", "shelve"),
        ("import runpy", "runpy"),
        ("eval(text)", "eval"),
        ("run = exec", "exec"),
        ("list(map(eval, texts))", "eval"),
        ("eval.__call__(text)", "eval"),
        ("compile(text, '', 'exec')", "compile"),
        ("__import__(name)", "__import__"),
        ("__builtins__['eval']", "__builtins__"),
        ("from builtins import eval as read", "builtins.eval"),
        ("from builtins import *", "builtins.*"),
        ("import builtins\nbuiltins.exec(text)", "exec"),
        ("import builtins as b\nb.eval(text)", "eval"),
        ("import builtins\ngetattr(builtins, name)", "builtins as a value"),
        ("import builtins\nvars(builtins)[name]", "builtins as a value"),
        ("import builtins\nbuiltins.__dict__[name]", "builtins as a value"),
        ("import os\nfind(os, name)", "os as a value"),
        ("import importlib\nimportlib.import_module(name)", "importlib.import_module"),
        ("from importlib import import_module", "importlib.import_module"),
        ("from importlib import import_module as load\nload(name)", "importlib.import_module"),
        ("machinery.import_module(name)", ".import_module"),
        ("from importlib import util\nutil.find_spec(name)", "importlib.util.find_spec"),
        ("import pkgutil\npkgutil.resolve_name(name)", "pkgutil.resolve_name"),
        ("from pydoc import locate", "pydoc.locate"),
        ("spec.loader.exec_module(module)", ".exec_module"),
        ("import logging.config\nlogging.config.dictConfig(data)", "logging.config.dictConfig"),
        ("import yaml\nyaml.load(text)", "yaml.load"),
        ("import yaml\nyaml.load(text, yaml.Loader)", "yaml.load"),
        ("import yaml\nyaml.load(text, Loader=choose())", "yaml.load"),
        ("from yaml import load as safe_load\nsafe_load(text)", "yaml.load"),
        ("import yaml\nyaml.unsafe_load(text)", "yaml.unsafe_load"),
        ("import yaml\nclass Mine(yaml.Loader): pass", "yaml.Loader"),
        ("import os\nos.system(text)", "os.system"),
        ("from os import system", "os.system"),
        ("import subprocess as s\ns.run(text, shell=True)", "shell="),
        ("run(text, shell=use_shell)", "shell="),
        ("import subprocess\nsubprocess.getoutput(text)", "subprocess.getoutput"),
        ("loop.subprocess_shell(factory, text)", ".subprocess_shell"),
        ("numpy.load(file, allow_pickle=True)", "allow_pickle="),
        ("import typing\ntyping.get_type_hints(thing)", "typing.get_type_hints"),
        ("import types\ntypes.FunctionType(code, {})", "types.FunctionType"),
    ],
)
def test_what_makes_code_of_data_is_found(source: str, what: str) -> None:
    assert what in {one.what for one in find(source)}


@pytest.mark.parametrize(
    "source",
    [
        "import re\nre.compile('a')",
        "import json\njson.loads(text)",
        "import yaml\nyaml.safe_load(text)",
        "import yaml\nyaml.load(text, Loader=yaml.SafeLoader)",
        "from yaml import SafeLoader, load\nload(text, SafeLoader)",
        "import subprocess\nsubprocess.run(['ls'], shell=False)",
        "import os\nos.environ['HOME']",
        "import importlib\nimportlib.invalidate_caches()",
        "getattr(thing, name)",
        "self.eval(text)",
        "import ast\nast.literal_eval(text)",
    ],
)
def test_what_only_looks_like_it_is_not_found(source: str) -> None:
    assert find(source) == []


def test_a_finding_names_the_module_and_the_function() -> None:
    source = "class Reader:\n    async def read(self):\n        return eval(self.text)\n"

    assert find(source, "adapter.reader") == [Finding("adapter.reader", "Reader.read", "eval")]

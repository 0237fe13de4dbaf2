"""Finds the places where Python source could turn data into code, without running it.

It reads syntax trees, so it follows names, not values: an import under another name is seen
through, a function that arrives as an argument is not.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

MODULES = frozenset(
    {"_pickle", "cPickle", "cloudpickle", "code", "codeop", "dill", "joblib", "jsonpickle"}
    | {"marshal", "pickle", "runpy", "shelve"},
)
BUILTINS = frozenset({"__builtins__", "__import__", "compile", "eval", "exec"})
# What they hold is to be named after a dot; `getattr(builtins, name)` could be anything.
NOT_AS_VALUES = frozenset({"builtins", "importlib", "os", "posix", "subprocess"})
FUNCTIONS = frozenset(
    {f"builtins.{name}" for name in BUILTINS}
    | {"importlib.import_module", "importlib.util.find_spec"}  # of a.b, it imports a
    | {"importlib.metadata.entry_points", "importlib.metadata.EntryPoint"}
    | {"importlib.util.module_from_spec", "importlib.util.spec_from_file_location"}
    | {"logging.config.dictConfig", "logging.config.fileConfig", "logging.config.listen"}
    | {"os.popen", "os.system", "posix.system", "pkgutil.resolve_name", "pydoc.locate"}
    | {"subprocess.getoutput", "subprocess.getstatusoutput"}
    | {"types.CodeType", "types.FunctionType", "typing.get_type_hints"}  # hints are evaluated
    | {"yaml.full_load", "yaml.full_load_all", "yaml.unsafe_load", "yaml.unsafe_load_all"}
    | {f"yaml.{kind}" for kind in ("FullLoader", "Loader", "UnsafeLoader")},
)
# Of whatever object: a loader's, an event loop's.
METHODS = frozenset(
    {"__import__", "create_subprocess_shell", "exec_module", "find_class", "import_module"}
    | {"load_module", "resolve_name", "subprocess_shell", "unsafe_load"},
)
SWITCHES = frozenset({"allow_pickle", "eval_str", "shell"})
YAML_LOADS = frozenset({"yaml.load", "yaml.load_all"})
SAFE_LOADERS = frozenset({"yaml.CSafeLoader", "yaml.SafeLoader"})


@dataclass(frozen=True, order=True)
class Finding:
    """What was found, in which function of which module."""

    module: str
    function: str
    what: str


def find(source: str, module: str = "") -> list[Finding]:
    """Return what is found in the source of a module, in the order of the source."""
    finder = _Finder(module)
    finder.visit(ast.parse(source))
    return finder.findings


@dataclass
class _Finder(ast.NodeVisitor):
    module: str
    findings: list[Finding] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # what the module calls things
    scope: list[str] = field(default_factory=list)

    def visit_Module(self, node: ast.Module) -> None:
        for inner in ast.walk(node):  # an import may come after a function that uses it
            self.names.update(_imported(inner))
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_scope(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_scope(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit_scope(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._check_import(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            origin = node.module or ""
            if alias.name == "*" and origin in NOT_AS_VALUES:
                self._found(f"{origin}.*")
            self._check_import(origin if alias.name == "*" else f"{origin}.{alias.name}")

    def visit_Name(self, node: ast.Name) -> None:
        name = self._qualified(node)
        self._check_use(name)
        if name in NOT_AS_VALUES and isinstance(node.ctx, ast.Load):
            self._found(f"{name} as a value")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        name, owner = self._qualified(node), self._qualified(node.value)
        self._check_use(name)
        if name not in FUNCTIONS and node.attr in METHODS:
            self._found(f".{node.attr}")
        if node.attr == "__dict__" and owner in NOT_AS_VALUES:
            self._found(f"{owner} as a value")
        if owner not in NOT_AS_VALUES:
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        function = self._qualified(node.func)
        if function in YAML_LOADS and self._loader(node) not in SAFE_LOADERS:
            self._found(function)
        for keyword in node.keywords:
            if keyword.arg in SWITCHES and not _is_false(keyword.value):
                self._found(f"{keyword.arg}=")
        self.generic_visit(node)

    def _visit_scope(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.scope.append(node.name)
        self.generic_visit(node)
        self.scope.pop()

    def _check_import(self, name: str) -> None:
        if name.partition(".")[0] in MODULES or name in FUNCTIONS:
            self._found(name)

    def _check_use(self, name: str) -> None:
        if name in BUILTINS:
            self._found(name)
        elif name in FUNCTIONS:
            self._found(name.removeprefix("builtins."))

    def _loader(self, node: ast.Call) -> str:
        given = [keyword.value for keyword in node.keywords if keyword.arg == "Loader"]
        return self._qualified((given or node.args[1:] or [ast.Constant(None)])[0])

    def _qualified(self, node: ast.expr) -> str:
        match node:
            case ast.Name(id=name):
                return self.names.get(name, name)
            case ast.Attribute(value=owner, attr=name):
                return f"{self._qualified(owner)}.{name}"
        return "?"

    def _found(self, what: str) -> None:
        self.findings.append(Finding(self.module, ".".join(self.scope), what))


def _imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Import(names=names):
            for alias in names:
                first = alias.name.partition(".")[0]
                yield alias.asname or first, alias.name if alias.asname else first
        case ast.ImportFrom(module=str(module), level=0, names=names):
            for alias in names:
                yield alias.asname or alias.name, f"{module}.{alias.name}"


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value

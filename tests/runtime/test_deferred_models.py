"""Each test runs an interpreter of its own, in which nobody has imported FastAPI yet."""

import json
import zipfile
from pathlib import Path
from typing import Any

import fastapi
import pytest

from tests.runtime.interpreter import lines_of

APP = """
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer, OAuth2PasswordBearer
from pydantic import BaseModel


class Pen(BaseModel):
    colour: str
    caps: list["Cap"] = []


class Cap(BaseModel):
    width: int


Pen.model_rebuild()
app = FastAPI()
bearer = OAuth2PasswordBearer("token", scopes={"read": "pens"})


@app.post("/pens", tags=["pens"], responses={404: {"description": "none"}})
async def write(pen: Pen, token: Annotated[str, Depends(bearer)], size: int = 3) -> Pen:
    return pen


@app.get("/caps", dependencies=[Depends(HTTPBearer())])
async def read() -> list[Cap]:
    return []
"""
LOGIN = """
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.openapi.models import Operation, Schema
from fastapi.security import HTTPBasicCredentials


class Login(HTTPBasicCredentials):
    pass


class Described(Schema):
    note: str = ""


class Noted(Described, strict=True):
    pass


class Slow(Operation):
    seconds: int
    schemas: list[Schema] = []


app = FastAPI()


@app.get("/login")
async def login(given: Annotated[Login, Depends()]) -> str:
    return given.username
"""
REPORT = """
import json, sys
from pydantic import BaseModel
from fastapi.openapi.models import Components, OpenAPI, Schema
import fastapi, shop

models = {"Components": Components, "OpenAPI": OpenAPI, "Pen": shop.Pen, "Cap": shop.Cap}
built = {name: model.__pydantic_complete__ for name, model in models.items()}
report = {
    "built": built,
    "config": [BaseModel.model_config, shop.Pen.model_config],
    "finders": [str(finder) for finder in sys.meta_path],
    "source": fastapi.__loader__.get_source("fastapi") is not None,
    "document": shop.app.openapi(),
    "errors": None,
    "built_then": {name: model.__pydantic_complete__ for name, model in models.items()},
}
try:
    Schema(type=5)
except ValueError as error:
    report["errors"] = error.errors(include_url=False)
print(json.dumps(report))
"""
LOADED = "from adapter.runtime.loading import load_handler\nload_handler('shop.app', '.')\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(APP)
    return tmp_path


def report(folder: Path, before: str) -> dict[str, Any]:
    (line,) = lines_of(folder, before + REPORT)
    found: dict[str, Any] = json.loads(line)
    return found


def test_models_of_fastapi_are_built_at_their_first_use(folder: Path) -> None:
    found = report(folder, LOADED)

    assert found["built"] == {"Components": False, "OpenAPI": False, "Pen": True, "Cap": True}
    assert found["built_then"]["OpenAPI"]


@pytest.mark.parametrize("kind", ["provisioned-concurrency", "snap-start"])
def test_they_are_built_at_once_where_nobody_waits_for_the_init(folder: Path, kind: str) -> None:
    told = f"import os\nos.environ['AWS_LAMBDA_INITIALIZATION_TYPE'] = {kind!r}\n"

    found = report(folder, told + LOADED)

    assert found["built"] == dict.fromkeys(("Components", "OpenAPI", "Pen", "Cap"), True)


def test_documents_and_errors_are_what_they_are_without(folder: Path) -> None:
    plain, deferred = report(folder, ""), report(folder, LOADED)

    assert plain["built"]["Components"]
    assert deferred["document"] == plain["document"]
    assert list(deferred["document"]["components"]["schemas"])
    assert deferred["errors"] == plain["errors"]
    assert plain["errors"]


def test_nothing_of_it_stays_behind(folder: Path) -> None:
    plain, deferred = report(folder, ""), report(folder, LOADED)

    assert deferred["config"] == plain["config"] == [{}, {}]
    assert [name.split(" at ")[0] for name in deferred["finders"]] == [
        name.split(" at ")[0] for name in plain["finders"]
    ]
    assert deferred["source"]


def test_a_module_without_fastapi_loads_neither_it_nor_pydantic(folder: Path) -> None:
    (folder / "shop.py").write_text("app = print\n")
    code = LOADED + (
        "import sys\n"
        "assert not {'fastapi', 'pydantic'} & sys.modules.keys()\n"
        "assert not any('deferred' in str(finder) for finder in sys.meta_path)\n"
    )

    lines_of(folder, code)


def test_a_finder_that_watches_imports_is_asked_as_ever(folder: Path) -> None:
    code = """
import sys
class Watcher:
    def find_spec(self, name, path=None, target=None):
        if name == "fastapi.openapi.models":
            print("watched")
sys.meta_path.insert(0, Watcher())
"""

    assert lines_of(folder, code + LOADED) == ["watched"]


def test_a_finder_may_have_a_loader_of_its_own(folder: Path) -> None:
    """One that hands on to another, as those of tracing libraries do."""
    code = """
import sys
from importlib.util import find_spec
class Proxy:
    def __init__(self, loader):
        vars(self)["loader"] = loader
    def __getattr__(self, name):
        return getattr(self.loader, name)
    def __setattr__(self, name, value):
        setattr(self.loader, name, value)
    def create_module(self, spec):
        return self.loader.create_module(spec)
    def exec_module(self, module):
        self.loader.exec_module(module)
        print("watched", module.__name__)
class Watcher:
    asked = set()
    def find_spec(self, name, path=None, target=None):
        if name == "fastapi.openapi.models" and name not in self.asked:
            self.asked.add(name)
            spec = find_spec(name)
            spec.loader = Proxy(spec.loader)
            return spec
sys.meta_path.insert(0, Watcher())
"""

    assert lines_of(folder, code + LOADED) == ["watched fastapi.openapi.models"]


def test_fastapi_may_lie_in_an_archive_with_other_modules(folder: Path) -> None:
    package = Path(fastapi.__file__).parent
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        for path in package.rglob("*.py"):
            archive.write(path, path.relative_to(package.parent))
        archive.write(folder / "shop.py", "shop.py")
    (folder / "shop.py").unlink()

    found = report(folder, "import sys\nsys.path.insert(0, 'all.zip')\n" + LOADED)

    assert found["built"] == {"Components": False, "OpenAPI": False, "Pen": True, "Cap": True}
    assert found["config"] == [{}, {}]


def test_models_that_derive_from_fastapis_are_built_where_they_are_defined(folder: Path) -> None:
    (folder / "shop.py").write_text(LOGIN)
    code = """
import shop
from fastapi.testclient import TestClient
answer = TestClient(shop.app).get("/login", params={"username": "a", "password": "b"})
print(answer.status_code)
models = [shop.Login, shop.Described, shop.Noted, shop.Slow]
print(*(model.__pydantic_complete__ for model in models))
told = {"seconds": 3, "schemas": [{"items": {"type": "string"}}], "responses": {}}
print(shop.Slow(**told).model_dump(exclude_unset=True) == told)
"""

    for before in ("", LOADED):
        told = ["200", "True True True True", "True"]
        assert lines_of(folder, before + code) == told


def test_names_of_the_user_are_not_taken_for_fastapis(folder: Path) -> None:
    """FastAPI's models name one another, and Pydantic looks such names up where it builds them."""
    (folder / "shop.py").write_text("""
from fastapi import FastAPI, Header
from fastapi.openapi.models import MediaType, PathItem as Path, RequestBody, Schema


class PathItem(Path):
    owner: str


app = FastAPI()
body = RequestBody(content={"application/json": MediaType(schema=Schema(type="object"))})
path = PathItem(owner="me", post={"responses": {}, "callbacks": {"done": {"u": {"get": {}}}}})
""")
    code = """
import shop
print(shop.body.model_dump(exclude_unset=True))
print(shop.path.model_dump(exclude_unset=True))
"""

    assert lines_of(folder, LOADED + code) == lines_of(folder, code)


def test_they_are_built_at_once_by_a_pydantic_that_cannot_defer_all(folder: Path) -> None:
    older = "import pydantic\npydantic.VERSION = '2.13.5'\n"

    found = report(folder, older + LOADED)

    assert found["built"] == dict.fromkeys(("Components", "OpenAPI", "Pen", "Cap"), True)


def test_an_import_that_fails_leaves_pydantic_as_it_was(folder: Path) -> None:
    (folder / "fastapi/openapi").mkdir(parents=True)
    (folder / "fastapi/__init__.py").write_text("import fastapi.openapi.models")
    (folder / "fastapi/openapi/models.py").write_text("raise ImportError('half installed')")
    code = LOADED.replace("load_handler('shop", "try:\n    load_handler('shop")
    code += """except ImportError as error:
    from pydantic import BaseModel
    print(error, BaseModel.model_config, type(BaseModel.__dict__["model_rebuild"]).__name__)
    print(BaseModel.model_rebuild.__func__.__module__)
"""

    assert lines_of(folder, code) == ["half installed {} classmethod", "pydantic.main"]

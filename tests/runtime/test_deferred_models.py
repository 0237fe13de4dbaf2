"""Each test runs an interpreter of its own, in which nobody has imported FastAPI yet."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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
REPORT = """
import json, sys
from pydantic import BaseModel
from fastapi.openapi.models import OpenAPI, Schema
import fastapi, shop

models = {"Schema": Schema, "OpenAPI": OpenAPI, "Pen": shop.Pen, "Cap": shop.Cap}
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
    done = run(folder, before + REPORT)
    found: dict[str, Any] = json.loads(done)
    return found


def run(folder: Path, code: str) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout


def test_models_of_fastapi_are_built_at_their_first_use(folder: Path) -> None:
    found = report(folder, LOADED)

    assert found["built"] == {"Schema": False, "OpenAPI": False, "Pen": True, "Cap": True}
    assert found["built_then"]["OpenAPI"]


def test_documents_and_errors_are_what_they_are_without(folder: Path) -> None:
    plain, deferred = report(folder, ""), report(folder, LOADED)

    assert plain["built"]["Schema"]
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

    run(folder, code)


def test_a_finder_that_watches_imports_is_asked_as_ever(folder: Path) -> None:
    code = """
import sys
class Watcher:
    def find_spec(self, name, path=None, target=None):
        if name == "fastapi":
            print("watched")
sys.meta_path.insert(0, Watcher())
"""

    assert run(folder, code + LOADED) == "watched\n"


def test_an_import_that_fails_leaves_pydantic_as_it_was(folder: Path) -> None:
    (folder / "fastapi").mkdir()
    (folder / "fastapi/__init__.py").write_text("raise ImportError('half installed')")
    code = LOADED.replace("load_handler('shop", "try:\n    load_handler('shop")
    code += """except ImportError as error:
    from pydantic import BaseModel
    print(error, BaseModel.model_config, type(BaseModel.__dict__["model_rebuild"]).__name__)
    print(BaseModel.model_rebuild.__func__.__module__)
"""

    assert run(folder, code) == "half installed {} classmethod\npydantic.main\n"

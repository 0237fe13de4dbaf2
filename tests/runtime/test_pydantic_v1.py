"""Each test runs an interpreter of its own, in which nobody has imported FastAPI yet."""

from pathlib import Path

import pytest

from tests.runtime.interpreter import lines_of

APP = """
from fastapi import FastAPI
from pydantic import BaseModel


class Pen(BaseModel):
    colour: str


app = FastAPI()


@app.post("/pens")
async def write(pen: Pen, size: int | None = None) -> list[Pen]:
    return [pen]
"""
OLDER = """
from fastapi import FastAPI
from pydantic.v1 import BaseModel


class Ink(BaseModel):
    colour: str


app = FastAPI()
"""
LOAD = "from adapter.runtime.loading import load_handler\nload_handler('shop.app', '.')\n"
SEEN = "import sys\nprint('pydantic.v1.main' in sys.modules)\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(APP)
    return tmp_path


def refusal(code: str) -> str:
    lines = [f"    {line}" for line in code.splitlines()]
    caught = ["except Exception as error:", "    print(type(error).__name__)"]
    return "\n".join(["try:", *lines, *caught])


def test_fastapi_alone_loads_it_for_the_first_route(folder: Path) -> None:
    assert lines_of(folder, "import shop\n" + SEEN) == ["True"]


def test_a_function_does_not_load_it(folder: Path) -> None:
    code = """
from fastapi.encoders import jsonable_encoder
from fastapi.testclient import TestClient
import shop
print(TestClient(shop.app).post("/pens", json={"colour": "red"}).json())
class Cap:
    def __init__(self):
        self.width = 3
print(jsonable_encoder([Cap()]))
"""

    found = lines_of(folder, LOAD + code + SEEN)

    assert found == ["[{'colour': 'red'}]", "[{'width': 3}]", "False"]


def test_it_is_there_for_who_has_imported_pydantic(folder: Path) -> None:
    code = """
import pydantic
print(hasattr(pydantic, "v1"))
class Ink(pydantic.v1.BaseModel):
    colour: str
print(Ink(colour="red"))
from pydantic.v1 import BaseModel
print(issubclass(Ink, BaseModel))
"""
    told = ["True", "colour='red'", "True"]

    assert lines_of(folder, "import shop" + code) == lines_of(folder, LOAD + code) == told


def test_one_of_its_modules_may_be_imported_alone(folder: Path) -> None:
    code = LOAD + "from pydantic.v1.main import BaseModel\nimport pydantic\n"

    assert lines_of(folder, code + "print(pydantic.v1.BaseModel is BaseModel)") == ["True"]


def test_a_pydantic_without_it_has_none_of_its_models(folder: Path) -> None:
    code = "import sys\nsys.modules['pydantic.v1'] = None\n" + LOAD

    assert lines_of(folder, code + "import shop\nprint(shop.app.title)") == ["FastAPI"]


@pytest.mark.parametrize("annotation", ["Ink", "list[Ink]", "Ink | None"])
def test_its_models_are_refused_as_ever_where_a_route_takes_them(
    folder: Path, annotation: str
) -> None:
    route = f"""
@app.post("/inks")
async def write(ink: {annotation}) -> None: ...
"""
    (folder / "shop.py").write_text(OLDER + route)

    assert lines_of(folder, refusal("import shop")) == ["PydanticV1NotSupportedError"]
    assert lines_of(folder, refusal(LOAD)) == ["PydanticV1NotSupportedError"]


def test_values_of_its_models_are_refused_though_it_came_later(folder: Path) -> None:
    code = """
from fastapi.encoders import jsonable_encoder
from pydantic.v1 import BaseModel
jsonable_encoder({"ink": type("Ink", (BaseModel,), {})()})
"""

    assert lines_of(folder, LOAD + refusal(code)) == ["PydanticV1NotSupportedError"]


def test_a_fastapi_that_looks_in_another_way_is_left_as_it_is(folder: Path) -> None:
    (folder / "fastapi/_compat").mkdir(parents=True)
    (folder / "fastapi/__init__.py").write_text("")
    (folder / "fastapi/_compat/__init__.py").write_text("")
    (folder / "fastapi/_compat/shared.py").write_text("is_pydantic_v1_model_class = None\n")
    (folder / "shop.py").write_text("from fastapi._compat import shared\napp = print\n")

    code = "import shop\nprint(vars(shop.shared).get('is_pydantic_v1_model_class', 3))\n"
    assert lines_of(folder, LOAD + code) == ["None"]

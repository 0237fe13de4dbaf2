"""A function that is a container image: made by `sam build`, started by AWS's own emulator."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.sam import require_engine, sam
from tests.template.trees import write_tree

pytestmark = [pytest.mark.sam, pytest.mark.docker, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
FUNCTION = "InImage"  # the image is called as the function is
PROGRAM = """
import os
import sys

from adapter import serve


@serve.deployment(
    name="InImage",
    lambda_options=serve.LambdaOptions(package="image"),
    ray_actor_options={"runtime_env": {"pip": ["six==1.17.0"]}},
)
class Model:
    def __call__(self, text):
        import own_code
        import six

        return {
            "answer": own_code.shout(text),
            "exec_wrapper": os.environ.get("AWS_LAMBDA_EXEC_WRAPPER"),
            "our_loop": "adapter.runtime.loop" in sys.modules,
            "own_requirement": six.__file__,
            "compiled": bool(own_code.__spec__.cached and os.path.exists(own_code.__spec__.cached)),
        }


app = Model.bind()
"""
OWN_CODE = """
def shout(text):
    return text.upper()
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Build the image as a user would, of the stand-in or the official base image."""
    require_engine()
    folder = tmp_path_factory.mktemp("image")
    program = PROGRAM.replace("from adapter", "import own_code\nfrom adapter")
    files = {"shop.py": program, "own_code.py": OWN_CODE, "requirements.txt": ""}
    write_tree(folder, files)
    subprocess.run(
        [
            *(sys.executable, "-m", "adapter.cli.main", "build", "shop:app"),
            *("--runtime", "python3.11", "--architecture", "x86_64"),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    sam("build", folder=folder)
    yield folder
    repository = FUNCTION.lower()
    for tag in ("3.11-x86_64", "rapid-x86_64"):
        name = f"{repository}:{tag}"
        subprocess.run(["docker", "image", "rm", name], capture_output=True, check=False)


def invoke(project: Path, event: dict[str, Any]) -> Any:
    (project / "event.json").write_text(json.dumps(event))
    said = sam(
        *("local", "invoke", FUNCTION, "--event", "event.json", "--skip-pull-image"),
        folder=project,
    )
    answer, _ = json.JSONDecoder().raw_decode(said, said.index('{"'))
    return answer


def test_image_is_served_by_our_loop_under_awss_emulator(built: Path) -> None:
    answer = invoke(built, {"args": ["hello"]})

    assert answer == {
        "answer": "HELLO",
        "exec_wrapper": None,
        "our_loop": True,
        "own_requirement": "/var/task/six.py",
        "compiled": True,
    }


def test_project_of_images_passes_the_linter(built: Path) -> None:
    assert sam("validate", "--lint", folder=built).strip().endswith("is a valid SAM Template")

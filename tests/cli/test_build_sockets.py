import json
from pathlib import Path

import pytest

from tests.cli.programs import adapter
from tests.template.trees import write_tree

PROGRAM = """
    from fastapi import FastAPI, WebSocket

    api = FastAPI()


    @api.websocket("/ws")
    async def ws(socket: WebSocket):
        await socket.accept()
"""


@pytest.mark.parametrize(("arguments", "who"), [((), "AWS_IAM"), (("--public",), "public")])
def test_report_says_where_web_sockets_come_in_and_whose(
    tmp_path: Path,
    arguments: tuple[str, ...],
    who: str,
) -> None:
    folder = write_tree(tmp_path, {"main.py": PROGRAM, ".git/HEAD": ""})
    done = adapter(folder, "build", "main:api", "--runtime", "python3.13", *arguments)

    assert f"WebSocket API /ws ({who})" in done.stdout, done.stderr
    auth_type = {"AWS_IAM": "AWS_IAM", "public": "NONE"}[who]
    assert f"AuthType: {auth_type}" in (folder / "template.yaml").read_text()


def test_json_has_the_web_socket_routes(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, {"main.py": PROGRAM, ".git/HEAD": ""})
    done = adapter(folder, "build", "main:api", "--runtime", "python3.13", "--output", "json")

    [application] = json.loads(done.stdout)["applications"]
    assert application["web_sockets"] == [{"path": "/ws", "auth_type": "AWS_IAM"}]

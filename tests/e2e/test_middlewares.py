"""`serve.start(http_options={"middlewares": ...})` in a program that `adapter run` serves."""

import urllib.request
from pathlib import Path

from tests.running import adapter_run

PROGRAM = """
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from adapter import serve

client = serve.start(
    http_options={"middlewares": [
        Middleware(
            CORSMiddleware, allow_origins=["*"], allow_methods=["*"])
    ]})


@serve.deployment
def hello() -> str:
    return "hello"


app = hello.bind()
"""


def test_the_ingress_has_them(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    run = adapter_run("program:app", folder=tmp_path)
    try:
        request = urllib.request.Request(run.http_url, headers={"Origin": "https://example.com"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert (answer.read(), answer.headers["access-control-allow-origin"]) == (b"hello", "*")
    finally:
        run.stop()

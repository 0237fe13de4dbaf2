"""A small Starlette application."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


async def hello(_: Request) -> Response:
    return JSONResponse({"hello": "you"})


app = Starlette(routes=[Route("/hello", hello)])

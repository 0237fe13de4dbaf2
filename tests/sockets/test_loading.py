from pathlib import Path

from tests.test_imports import loaded, packages

SERVE = """
from adapter.function import lambda_handler

async def app(scope, receive, send):
    await receive()
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

handler = lambda_handler(app, lifespan="off")
http = {"version": "2.0", "rawPath": "/", "requestContext": {"http": {"method": "GET"}}}
assert handler(http)["statusCode"] == 200
"""
SOCKET = """
context = {"eventType": "CONNECT", "connectionId": "a=", "apiId": "a", "stage": "ws"}
query = {"socket_path": "/ws"}
event = {"requestContext": context, "queryStringParameters": query}
assert handler(event) == {"statusCode": 403}
"""


def test_a_function_without_web_sockets_loads_nothing_of_them(tmp_path: Path) -> None:
    found = loaded(SERVE, tmp_path)

    assert not {name for name in found if name.startswith("adapter.sockets")}


def test_a_function_serves_web_sockets_with_what_it_has(tmp_path: Path) -> None:
    found = loaded(SERVE + SOCKET, tmp_path)

    assert "adapter.sockets.bridge" in found
    assert not packages(found) & {"boto3", "botocore", "fastapi", "uvicorn", "websockets"}

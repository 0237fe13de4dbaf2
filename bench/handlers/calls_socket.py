"""The floor of the same calls: raw sockets that send what was made before and compare bytes."""
# ruff: noqa: ARG001 - what Lambda hands over

import json
import os
import time
from typing import Any
from urllib.parse import urlsplit

from bench.support.load import Driver

ENDPOINT = urlsplit(os.environ["AWS_ENDPOINT_URL_LAMBDA"])
drivers: dict[tuple[int, str], Driver] = {}


def handler(event: Any, context: Any) -> dict[str, float]:
    at_once, size, calls, line = event["args"]
    text = line * (size // len(line))
    if (at_once, text) not in drivers:
        drivers[at_once, text] = _driver(text)
    cpu, start = time.process_time(), time.perf_counter()
    drivers[at_once, text].run(at_once, calls=calls)
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - cpu,
    }


def _driver(text: str) -> Driver:
    body = json.dumps({"method": "echo", "args": [text]}).encode()
    head = (
        "POST /2015-03-31/functions/Echo/invocations HTTP/1.1\r\n"
        f"Host: {ENDPOINT.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    address = ENDPOINT.hostname or "", ENDPOINT.port or 80
    return Driver(address, head + body, json.dumps(text).encode())

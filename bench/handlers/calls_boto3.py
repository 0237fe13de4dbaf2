"""The same calls through boto3, from a handler: in threads where several are in flight."""
# ruff: noqa: ARG001 - what Lambda hands over

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config

MOST = 50
client = boto3.client("lambda", config=Config(max_pool_connections=MOST))
threads = ThreadPoolExecutor(MOST)


def handler(event: Any, context: Any) -> dict[str, float]:
    at_once, size, calls, line = event["args"]
    text = line * (size // len(line))
    each = [(text, calls // at_once)] * at_once
    cpu, start = time.process_time(), time.perf_counter()
    if at_once == 1:
        one_after_another(*each[0])
    else:
        list(threads.map(one_after_another, *zip(*each, strict=True)))
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - cpu,
    }


def one_after_another(text: str, calls: int) -> None:
    for _ in range(calls):
        event = json.dumps({"method": "echo", "args": [text]})
        answer = client.invoke(FunctionName="Echo", Payload=event)
        if json.loads(answer["Payload"].read()) != text:
            raise ValueError("wrong answer")

"""Calls a handler as a plain function, as often as a line on standard input says.

The arguments are the handler's module and attribute. The first line is the event. Answers each
number with a line: seconds, processor seconds, and what the handler returned.
"""

import importlib
import json
import sys
import time

from awslambdaric.lambda_context import LambdaContext

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:bench"


def main() -> None:
    module, _, name = sys.argv[1].partition(":")
    handler = getattr(importlib.import_module(module), name)
    event = json.loads(sys.stdin.readline())
    deadline = int((time.time() + 900) * 1000)
    context = LambdaContext("8476a536-e9f4-11e8-9739-2dfe598c3fcd", {}, {}, deadline, ARN)
    for line in sys.stdin:
        count = int(line)
        cpu, start = time.process_time(), time.perf_counter()
        for _ in range(count):
            answer = handler(event, context)
        taken = time.perf_counter() - start, time.process_time() - cpu
        sys.stdout.write(f"{json.dumps([*taken, answer])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Ten thousand mixed invocations through one environment of our loop: does anything grow?

Requests with small and large bodies, streams, streams that break, threads, background work, calls,
errors of the application, unknown paths and methods, and events that are no JSON, no request or
nothing known. What comes is random, from a fixed seed; each answer must be of the kind that its
event asks for. After a tenth and at the end the environment says how many tasks, files, threads,
objects and KB it holds. Exits with 1 where it has grown, or where an answer was wrong.
"""

import argparse
import collections
import json
import random
import sys
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any

from bench.support import command, events, report
from bench.support.command import progress
from bench.support.environment import Environment, ours, running
from bench.support.runtime_api import Served

# What may be more at the end.
ALLOWED = {"tasks": 0, "files": 0, "threads": 0, "objects": 200, "resident_kb": 1024}
VARIABLES = {
    "ADAPTER_STREAMS": "url",
    # glibc learns to keep the memory of large bodies for later, a heap for each thread. Here every
    # freed body goes back at once, so that what stays resident is what somebody holds.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "131072",
}
VITALS = json.dumps({"method": "vitals"}).encode()
BATCH = 100

Mixed = tuple[bytes, str]  # an event, and the kind of answer that it asks for


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    contender = ours("mixture_adapter.handler", variables=VARIABLES)
    source = random.Random(given.seed)
    kinds: collections.Counter[str] = collections.Counter()
    wrong: list[str] = []
    with running(contender, given.python, output=given.log) as environment:
        environment.wait_until_ready()
        warm_up = max(BATCH, given.invocations // 10)
        _serve(environment, source, warm_up, (kinds, wrong))
        before = _vitals(environment)
        _serve(environment, source, given.invocations - warm_up, (kinds, wrong))
        after = _vitals(environment)
    growth = {name: after[name] - before[name] for name in ALLOWED}
    grown = [name for name, allowed in ALLOWED.items() if growth[name] > allowed]
    _show(given, kinds, wrong, before, after)
    return 1 if grown or wrong else 0


def _parser() -> argparse.ArgumentParser:
    found = command.parser(__doc__ or "")
    found.add_argument("--invocations", type=int, default=10_000)
    found.add_argument("--seed", type=int, default=1)
    found.add_argument("--log", action="store_true", help="show the function's log")
    return found


def _serve(
    environment: Environment,
    source: random.Random,
    count: int,
    found: tuple[collections.Counter[str], list[str]],
) -> None:
    kinds, wrong = found
    for start in range(0, count, BATCH):
        batch = [_mixed(source) for _ in range(min(BATCH, count - start))]
        served = environment.serve([event for event, _ in batch])
        for (event, wanted), one in zip(batch, served, strict=True):
            kind = _kind(one)
            kinds[kind] += 1
            if kind != wanted:
                wrong.append(f"{event[:200]!r}: {kind}, not {wanted}")
        progress(f"{kinds.total()} invocations")


def _mixed(source: random.Random) -> Mixed:
    makers, weights = zip(*MIXTURE.items(), strict=True)
    (maker,) = source.choices(makers, weights)
    mixed: Mixed = maker(source)
    return mixed


def _size(source: random.Random) -> int:
    """Mostly small, some of hundreds of KB, now and then some MB."""
    most = source.choices((1000, 300_000, 4_000_000), (90, 9, 1))[0]
    return source.randrange(most)


def _request(source: random.Random) -> Mixed:
    body = b64encode(source.randbytes(_size(source))).decode()
    return _post(body), "HTTP 200"


def _in_a_thread(source: random.Random) -> Mixed:
    return events.http_api("/plain", f"size={_size(source)}"), "HTTP 200"


def _with_background(_: random.Random) -> Mixed:
    return events.http_api("/later"), "HTTP 200"


def _error(_: random.Random) -> Mixed:
    return events.http_api("/error"), "HTTP 500"


def _unknown_path(source: random.Random) -> Mixed:
    return events.http_api(f"/unknown/{source.random()}"), "HTTP 404"


def _malformed_host(_: random.Random) -> Mixed:
    return events.http_api("/later", host="two words"), "HTTP 400"


def _malformed_body(_: random.Random) -> Mixed:
    return _post("no base64"), "HTTP 400"


def _stream(source: random.Random) -> Mixed:
    return events.function_url("/stream", f"size={_size(source)}"), "stream"


def _broken_stream(source: random.Random) -> Mixed:
    query = f"size={_size(source)}&broken=true"
    return events.function_url("/stream", query), "broken stream"


def _call(source: random.Random) -> Mixed:
    text = source.randbytes(_size(source) // 4).hex()
    return _json({"method": "double", "args": [text]}), "result"


def _failing_call(_: random.Random) -> Mixed:
    return _json({"method": "fail"}), "LookupError"


def _streamed_call(source: random.Random) -> Mixed:
    context = {"stream": True}
    args = [source.randrange(1, 20)]
    return _json({"method": "count", "args": args, "context": context}), "stream"


def _unknown_method(source: random.Random) -> Mixed:
    return _json({"method": f"unknown{source.random()}"}), "InvalidCall"


def _foreign(_: random.Random) -> Mixed:
    return _json({"Records": [{"eventSource": "aws:sqs"}]}), "UnsupportedEvent"


def _no_json(source: random.Random) -> Mixed:
    return b"{" + source.randbytes(20).hex().encode(), "JSONDecodeError"


MIXTURE: dict[Callable[[random.Random], Mixed], int] = {
    _request: 20,
    _in_a_thread: 10,
    _with_background: 10,
    _error: 5,
    _unknown_path: 5,
    _malformed_host: 3,
    _malformed_body: 3,
    _stream: 10,
    _broken_stream: 3,
    _call: 15,
    _failing_call: 5,
    _streamed_call: 5,
    _unknown_method: 2,
    _foreign: 2,
    _no_json: 2,
}


def _post(body: str) -> bytes:
    return events.http_api("/length", method="POST", body=body, isBase64Encoded=True)


def _json(event: Any) -> bytes:
    return json.dumps(event).encode()


def _kind(one: Served) -> str:
    if one.streamed:
        return "broken stream" if one.trailers else "stream"
    answer = json.loads(one.body)
    if one.outcome == "error":
        return str(answer["errorType"])
    is_http = isinstance(answer, dict) and "statusCode" in answer
    return f"HTTP {answer['statusCode']}" if is_http else "result"


def _vitals(environment: Environment) -> dict[str, int]:
    (served,) = environment.serve([VITALS])
    found: dict[str, int] = json.loads(served.body)
    return found


def _show(
    given: argparse.Namespace,
    kinds: "collections.Counter[str]",
    wrong: Sequence[str],
    before: dict[str, int],
    after: dict[str, int],
) -> None:
    for text in wrong[:20]:
        progress(f"wrong: {text}")
    rows = [[n, before[n], after[n], f"{after[n] - before[n]:+}", ALLOWED[n]] for n in ALLOWED]
    if given.output == "json":
        figures = {"answers": dict(kinds.most_common()), "wrong": len(wrong)}
        print(json.dumps({**figures, "before": before, "after": after}, indent=2))
        return
    answers = [*kinds.most_common(), ("wrong", len(wrong))]
    held = ["held", "after a tenth", "at the end", "growth", "allowed"]
    for header, found in ((["answer", "count"], answers), (held, rows)):
        print(report.Table(header, [[str(cell) for cell in row] for row in found]).as_text())


if __name__ == "__main__":
    sys.exit(main())

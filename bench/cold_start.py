"""B3: a cold start, from starting the process to the first answer.

Each turn starts a fresh process for each contender, in turns. Its Runtime API has the first event
ready, so that the clock ends when the first answer has been read. Modules come from the same
environment and are compiled; the files are in the kernel's cache. What Lambda does before, getting
the package and the virtual machine, is the same for everybody and not here.

  light app       Starlette with one route
  raw ASGI        without a framework
  FastAPI app     the one of the other benchmarks
  without HTTP    a plain class, called with an event
  with a handle   a FastAPI route that asks another function and answers what it says; in its place
                  is a server that only answers, support/fixed_server.py. The rival asks with boto3
"""

import json
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from bench.support import command, events
from bench.support.environment import (
    NO_WEB_ADAPTER,
    Contender,
    ours,
    pinned_apart,
    rival,
    running,
    web_adapter,
)
from bench.support.fixed_server import fixed_server
from bench.support.result import Benchmark, Ratio, WrongAnswer
from bench.support.runtime_api import Served
from bench.support.settings import Settings
from bench.support.turns import Values, in_turns

AIM, AIM_WITH_HANDLE = 0.85, 0.6
UNITS = {"first answer": "ms", "first poll": "ms"}
CLIENT, MANGUM = "awslambdaric", "awslambdaric + Mangum"
BOTO3 = "awslambdaric + Mangum + boto3"
CALL = b'{"method":"greet","args":["you"]}'


class Case(NamedTuple):
    """`read` takes the answer out of what the function has answered."""

    mine: Contender
    others: tuple[Contender, ...]
    event: bytes
    answer: Any
    read: Callable[[bytes], Any]
    aim: float = AIM


def main() -> int:
    return command.alone(run, __doc__ or "")


def run(settings: Settings) -> Benchmark:
    """Start each contender in turns."""
    with pinned_apart(), fixed_server() as address:
        cases = _cases(address, settings)
        found = {name: _measure(name, case, settings) for name, case in cases.items()}
    return Benchmark(
        id="B3",
        title="a cold start, from starting the process to the first answer",
        aim=f"{AIM} of the rival's time; {AIM_WITH_HANDLE} for a function with a handle",
        limit=3.0,  # asyncio, which the rival does without, is most of a plain function
        ratios=tuple(
            one for name, case in cases.items() for one in _ratios(name, case, found[name])
        ),
        figures=tuple(one for name, values in found.items() for one in values.figures(name)),
        notes=("Compiled modules in the kernel's cache; no download, no virtual machine.",),
        missing=() if settings.web_adapter else (NO_WEB_ADAPTER,),
    )


def _cases(address: str, settings: Settings) -> dict[str, Case]:
    hello = events.http_api("/hello")
    variables = {
        "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_DEFAULT_REGION": "eu-west-1",  # what botocore reads
        "AWS_SESSION_TOKEN": "x" * 800,
        "AWS_ENDPOINT_URL_LAMBDA": f"http://{address}",
    }
    return {
        "light app": Case(
            ours("light_adapter.handler"),
            (rival("light_mangum.handler", MANGUM),),
            hello,
            {"hello": "you"},
            body,
        ),
        "raw ASGI": Case(
            ours("raw_adapter.handler"),
            (rival("raw_mangum.handler", MANGUM),),
            hello,
            {"hello": "you"},
            body,
        ),
        "FastAPI app": Case(
            ours("web_adapter.handler"),
            (
                rival("web_mangum.handler", MANGUM),
                *([web_adapter(settings.web_adapter)] if settings.web_adapter else ()),
            ),
            events.http_api("/items/7", "q=books"),
            {"item_id": 7, "q": "books"},
            body,
        ),
        "without HTTP": Case(
            ours("greeter_adapter.handler"),
            (rival("greeter_plain.handler", CLIENT),),
            CALL,
            "hello you",
            json.loads,
        ),
        "with a handle": Case(
            ours("caller_adapter.handler", variables=variables),
            (rival("caller_mangum.handler", BOTO3, variables=variables),),
            events.http_api("/greet/you"),
            "you",
            body,
            AIM_WITH_HANDLE,
        ),
    }


def body(answered: bytes) -> Any:
    """The JSON in the body of an HTTP answer."""
    return json.loads(json.loads(answered)["body"])


def _measure(name: str, case: Case, settings: Settings) -> Values:
    values = Values(UNITS)
    contenders = (case.mine, *case.others)
    for contender in contenders:  # writes the compiled modules, and fills the kernel's cache
        _start(contender, case, settings)
    turns = settings.number_of_turns(31, 3)
    for contender in in_turns(contenders, turns, f"B3, {name}"):
        values.add(contender.name, _start(contender, case, settings))
    return values


def _start(contender: Contender, case: Case, settings: Settings) -> dict[str, float]:
    with running(contender, settings.python) as environment:
        (served,) = environment.serve([case.event])
        check(contender.name, case, served)
        return {
            "first answer": (served.answered - environment.started) * 1000,
            "first poll": (environment.api.polls[0] - environment.started) * 1000,
        }


def check(name: str, case: Case, served: Served) -> None:
    """Refuse a contender that answers something else. Raises `WrongAnswer`."""
    found = served.body if not served.succeeded else case.read(served.body)
    if found != case.answer:
        raise WrongAnswer(name, found, case.answer)


def _ratios(name: str, case: Case, values: Values) -> list[Ratio]:
    """The aim is for the first of the others."""
    return [
        values.ratio(
            f"{name}: first answer",
            "first answer",
            (case.mine.name, other.name),
            aim=case.aim if other is case.others[0] else None,
        )
        for other in case.others
    ]


if __name__ == "__main__":
    sys.exit(main())

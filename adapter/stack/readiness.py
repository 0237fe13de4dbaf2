"""Waiting until what was deployed answers."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from adapter.errors import StackError
from adapter.stack.deployed import DeployedFunction, DeployedStack

_POLL_S = 2.0
_REQUEST_S = 35  # an HTTP API waits 30 s for its function


def wait_until_active(
    stack: DeployedStack,
    *,
    end: float,
    say: Callable[[str], None],
) -> tuple[DeployedFunction, ...]:
    """Wait until every function takes invocations; `end` is a time of `time.monotonic`.

    Provisioned concurrency counts when all its environments are warm. Raises `StackError` where a
    function failed, or the time is over.
    """
    said = ""
    while True:
        functions = stack.functions()
        if failed := [one for one in functions if one.failed]:
            reasons = "\n".join(f"{one.deployment}: {one.reason or one.state}" for one in failed)
            raise StackError(f"deployed, but not ready:\n{reasons}")
        waiting = [one for one in functions if not one.ready]
        if not waiting:
            return functions
        if (text := f"waiting for {', '.join(_shown(one) for one in waiting)}") != said:
            say(said := text)
        if time.monotonic() > end:
            raise StackError(f"deployed, but the time is over while {text}. See adapter status.")
        time.sleep(_POLL_S)


def _shown(function: DeployedFunction) -> str:
    warm = [
        f"{one.available} of {one.provisioned} environments"
        for one in function.aliases
        if one.status not in ("", "READY")
    ]
    return f"{function.deployment} ({', '.join(warm) or function.state})"


def wait_until_answering(urls: Iterable[str], *, end: float, say: Callable[[str], None]) -> None:
    """Wait until every URL answers with a status below 500.

    A refusal such as 403 is an answer, for requests that are not signed. Raises `StackError` where
    the time is over.
    """
    for url in urls:
        for tried, problem in enumerate(_problems(url)):
            if tried == 0:
                say(f"waiting for {url} ({problem})")
            if time.monotonic() > end:
                raise StackError(
                    f"deployed, but {url} does not answer: {problem}. See adapter logs.",
                )
            time.sleep(_POLL_S)


def _problems(url: str) -> Iterator[str]:
    """Ask until there is an answer, and yield after each request what was wrong."""
    while (problem := _ask(url)) is not None:
        yield problem


def _ask(url: str) -> str | None:
    opener = urllib.request.build_opener(_KeepRedirects)
    try:
        opener.open(url, timeout=_REQUEST_S).close()  # https, as the stack's outputs have it
    except urllib.error.HTTPError as error:
        error.close()
        return f"HTTP {error.code}" if error.code >= 500 else None
    except urllib.error.URLError as error:
        return str(error.reason)
    except OSError as error:
        return str(error)
    return None


class _KeepRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer; where it leads to is not ours."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None

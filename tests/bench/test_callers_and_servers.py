"""B6 and B7: who answers wrong is refused, and who is not there is named."""

import contextlib
import json
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import handle_calls, http_front
from bench.support import served
from bench.support.environment import ours, running
from bench.support.fixed_server import ITEM, fixed_server
from bench.support.load import Driver, LoadError, generate
from bench.support.result import WrongAnswer
from bench.support.settings import Settings

pytestmark = pytest.mark.skipif(
    sys.platform != "linux",
    reason="the benchmarks use epoll, and awslambdaric is built for Linux",
)

SETTINGS = Settings(quick=True, turns=1)


@contextlib.contextmanager
def server(body: bytes, headers: bytes = b"") -> Iterator[str]:
    """Answer each connection's first request and close it, as `sam local` does."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n" % (len(body), headers)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    accepted, _ = listener.accept()
                    with accepted:
                        accepted.recv(65536)
                        accepted.sendall(head + body)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_every_caller_calls_the_same_endpoint() -> None:
    order = json.dumps({"method": "measure", "args": [2, 100, 4, "ab"]}).encode()
    with fixed_server() as address:
        for contender in handle_calls.contenders(address):
            with running(contender, sys.executable) as environment:
                environment.wait_until_ready()
                [answered] = environment.serve([order])

            found = handle_calls.measured(contender.name, answered.body)
            assert found["seconds"] > 0


def test_a_caller_whose_calls_are_answered_wrong_is_refused() -> None:
    order = json.dumps({"method": "measure", "args": [1, 100, 1, "x"]}).encode()
    with server(b'"something else"', b"Connection: close\r\n") as url:
        for contender in handle_calls.contenders(url.removeprefix("http://")):
            with running(contender, sys.executable, output=False) as environment:
                environment.wait_until_ready()
                [answered] = environment.serve([order])

            assert not answered.succeeded
            with pytest.raises(WrongAnswer, match=f"{contender.name} answered"):
                handle_calls.measured(contender.name, answered.body)


def test_a_function_that_measures_nothing_is_refused() -> None:
    with running(ours("plain.handler"), sys.executable) as environment:
        [answered] = environment.serve([b"{}"])

    with pytest.raises(WrongAnswer, match="it answered"):
        handle_calls.measured("it", answered.body)


def test_a_server_that_answers_wrong_is_refused() -> None:
    with server(b'{"item_id":8}', b"Connection: close\r\n") as wrong, fixed_server() as right:
        http_front.check({"right": f"http://{right}"})
        with pytest.raises(WrongAnswer, match="wrong answered"):
            http_front.check({"wrong": wrong})


def test_servers_that_close_their_connections_are_loaded_too() -> None:
    with server(ITEM, b"Connection: close\r\n") as url:
        load = generate(f"{url}/items/7", clients=4, seconds=0.1)

    assert load.requests >= 4
    assert load.per_second > 0


def test_a_server_that_cuts_its_answer_off_is_refused() -> None:
    with server(ITEM, b"Content-Length: 99\r\n") as url:
        host, _, port = url.removeprefix("http://").partition(":")
        driver = Driver((host, int(port)), b"GET / HTTP/1.1\r\n\r\n", b"much more")
        with pytest.raises(LoadError):
            driver.run(1)
        driver.close()


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(served, "RAY_PYTHON", tmp_path / "python")
    monkeypatch.setenv("PATH", "")
    python = str(tmp_path / "python")
    monkeypatch.setattr(sys, "executable", python)
    servers: dict[str, http_front.Start] = {
        http_front.RAY: lambda: served.ray_serve(tmp_path, "front"),
        http_front.SAM: lambda: served.sam_local(python, tmp_path, "front:app"),
    }
    with contextlib.ExitStack() as stack:
        urls, missing = http_front.started(servers, stack)

    assert urls == {}
    assert missing == [
        "Ray Serve: Ray Serve is not installed: `make setup-ray`",
        "sam local start-api: AWS SAM CLI is not installed: `make setup-sam`",
    ]


def test_one_order_of_calls_is_measured_with_every_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle_calls, "CASES", (handle_calls.Case("few", 2, 10, 4, 4),))

    found = handle_calls.run(SETTINGS)

    assert [ratio.name for ratio in found.ratios] == ["few: overhead", "few: time", "few: cpu"]
    assert found.ratios[0].aim == handle_calls.AIM
    assert {figure.contender for figure in found.figures} == {
        handle_calls.OURS,
        handle_calls.BOTO3,
        handle_calls.FLOOR,
    }
    assert "Ray" in found.missing[0]


def test_adapter_run_is_loaded_beside_uvicorn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_front, "CLIENTS", (2,))

    found = http_front.run(SETTINGS)

    assert [(ratio.name, ratio.rival) for ratio in found.ratios] == [
        ("2 clients: requests a second", http_front.UVICORN),
        ("2 clients: latency", http_front.UVICORN),
    ]
    assert [line.title for line in found.lines] == ["requests a second by clients"]
    assert [text.partition(":")[0] for text in found.missing] == [http_front.SAM, http_front.RAY]

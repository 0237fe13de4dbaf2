"""A web server in a process of its own, and a client that keeps the times of what arrives."""

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator

from bench.support.environment import CPUS, ROOT, Environment
from bench.support.runtime_api import FakeRuntimeApi, Reader, Served, chunks

KEPT = 100  # pieces of an answer, with their times


@contextlib.contextmanager
def uvicorn(app: str, python: str) -> Iterator["WebServer"]:
    """Serve `app`, written as module:attribute, with uvicorn on a free port."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as closing:
        # Its memory is looked at as that of an environment is; nobody asks this Runtime API.
        api = FakeRuntimeApi()
        closing.callback(api.close)
        started = time.monotonic()
        # Not --fd: uvicorn would take the socket for a Unix one, and asyncio not set TCP_NODELAY.
        process = subprocess.Popen(
            [python, "-m", "uvicorn", app, "--port", str(port), "--no-access-log"],
            cwd=folder,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), "TZ": "UTC"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        environment = Environment(process, api, started)
        closing.callback(environment.kill)
        if len(CPUS) > 1:
            os.sched_setaffinity(process.pid, {CPUS[-1]})
        connection = closing.enter_context(_connected(port, process))
        yield WebServer(environment, connection)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def _connected(port: int, process: "subprocess.Popen[bytes]") -> socket.socket:
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(ConnectionRefusedError):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        time.sleep(0.02)
    raise RuntimeError(f"uvicorn does not listen on port {port}")


class WebServer:
    """One kept-alive connection to it."""

    def __init__(self, environment: Environment, connection: socket.socket) -> None:
        self.environment = environment
        self._connection = connection
        self._reader = Reader(connection)

    def get(self, path: str) -> Served:
        """Ask for a path that answers in chunks. `handed_out` is when the request was sent."""
        request = f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
        served = Served("", request, handed_out=time.monotonic(), outcome="response", streamed=True)
        self._connection.sendall(request)
        status = self._reader.until(b"\r\n\r\n").split(b" ", 2)[1]
        if status != b"200":
            raise RuntimeError(f"{path} was answered with {status.decode()}")
        for piece in chunks(self._reader):
            served.size += len(piece)
            if len(served.pieces) < KEPT:
                served.pieces.append((time.monotonic(), piece))
        self._reader.until(b"\r\n")
        served.answered = time.monotonic()
        return served

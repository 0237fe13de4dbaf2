"""The load generator: raw sockets, one thread, epoll. Each client has one request on its way.

    python -m bench.support.load http://127.0.0.1:8000/items/7 --clients 8 --seconds 2

Run so, it is a process of its own, and prints `Load` as JSON. A client keeps its connection as long
as the server does, and else connects again, which its next latency includes.
"""

import argparse
import json
import re
import select
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.support.fixed_server import ITEM

ROOT = Path(__file__).resolve().parents[2]
PIECE = 1024 * 1024
TIMEOUT_S = 120.0
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)")
_CLOSES = re.compile(rb"(?i)\r\nconnection: *close")


class LoadError(RuntimeError):
    """A server gave an answer that is wrong, or none."""


@dataclass(frozen=True)
class Load:
    """What a server did: requests answered in so many seconds, and their latencies."""

    clients: int
    requests: int
    seconds: float
    median_ms: float
    p99_ms: float
    own_us: float  # processor time that the generator itself needs for one request

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def generate(url: str, clients: int, seconds: float) -> Load:
    """Have another process load a server. Raises `LoadError` where an answer is wrong."""
    options = ("--clients", str(clients), "--seconds", str(seconds))
    done = subprocess.run(
        [sys.executable, "-m", "bench.support.load", url, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise LoadError((done.stderr.strip() or "no answer").splitlines()[-1])
    return Load(**json.loads(done.stdout))


class Driver:
    """Sends one request over and over on several connections, and reads the answers."""

    def __init__(self, address: tuple[str, int], request: bytes, wanted: bytes) -> None:
        self._address = address
        self._request = request
        self._wanted = wanted
        self._epoll = select.epoll()
        self._clients: dict[int, _Client] = {}

    def run(self, clients: int, *, calls: int = 0, seconds: float = 0.0) -> list[float]:
        """Send `calls` requests, or as many as begin within `seconds`, and at least one a client.

        Returns the seconds that each took. Raises `LoadError` for a wrong answer, and where there
        is none for two minutes.
        """
        self._open(clients)
        begun = clients
        end = time.perf_counter() + seconds
        taken: list[float] = []
        for client in list(self._clients.values()):
            self._again(client)
        while len(taken) < begun:
            ready = self._epoll.poll(TIMEOUT_S)
            if not ready:
                raise LoadError(f"no answer for {TIMEOUT_S:g} s")
            for number, _ in ready:
                client = self._clients[number]
                if not self._answered(client):
                    continue
                now = time.perf_counter()
                taken.append(now - client.sent)
                if begun < calls or now < end:
                    begun += 1
                    self._again(None if client.closed else client)
        return taken

    def close(self) -> None:
        for client in list(self._clients.values()):
            self._drop(client)

    def _open(self, clients: int) -> None:
        while len(self._clients) < clients:
            self._add(_Client(self._address))

    def _answered(self, client: "_Client") -> bool:
        """Read what has come; whether that is the whole answer."""
        body = client.receive()
        if body is None:
            return False
        if body != self._wanted:
            raise LoadError(f"wrong answer: {bytes(body[:300])!r}")
        if client.closed:  # by the server, which says so with each answer, the last one too
            self._drop(client)
        return True

    def _add(self, client: "_Client") -> None:
        self._clients[client.socket.fileno()] = client
        self._epoll.register(client.socket, select.EPOLLIN)

    def _drop(self, client: "_Client") -> None:
        del self._clients[client.socket.fileno()]
        client.socket.close()

    def _again(self, client: "_Client | None") -> None:
        began = time.perf_counter()
        if client is None:
            client = _Client(self._address)
            self._add(client)
        client.send(self._request)
        client.sent = began


class _Client:
    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0.0
        self.closed = False
        self._received = bytearray()

    def send(self, request: bytes) -> None:
        self.socket.sendall(request)

    def receive(self) -> bytearray | None:
        """Return the body of an answer, None where there is more to come."""
        piece = self.socket.recv(PIECE)
        self._received += piece
        end = self._received.find(b"\r\n\r\n")
        length = _LENGTH.search(self._received, 0, end) if end > 0 else None
        if not piece and (length is None or len(self._received) < end + 4 + int(length[1])):
            raise LoadError(f"cut off, or without a length: {bytes(self._received[:300])!r}")
        if end < 0 or length is None or len(self._received) < end + 4 + int(length[1]):
            return None
        head = bytes(self._received[: end + 2])
        body = self._received[end + 4 :]
        if head.split(b" ", 2)[1] != b"200":
            raise LoadError(f"wrong answer: {bytes(self._received[:300])!r}")
        self.closed = head.startswith(b"HTTP/1.0") or _CLOSES.search(head) is not None
        self._received = bytearray()
        return body


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--wanted", default=ITEM.decode(), help="the body of the answer")
    given = parser.parse_args()
    parts = urlsplit(given.url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    request = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: */*\r\n\r\n".encode()
    driver = Driver((parts.hostname or "", parts.port or 80), request, given.wanted.encode())
    try:
        start, cpu = time.perf_counter(), time.process_time()
        taken = driver.run(given.clients, seconds=given.seconds)
        whole, cpu = time.perf_counter() - start, time.process_time() - cpu
    except (LoadError, OSError) as error:
        sys.exit(str(error))
    slow = statistics.quantiles(taken, n=100)[98] if len(taken) > 1 else taken[0]
    load = Load(
        clients=given.clients,
        requests=len(taken),
        seconds=whole,
        median_ms=statistics.median(taken) * 1000,
        p99_ms=slow * 1000,
        own_us=cpu / len(taken) * 1e6,
    )
    print(json.dumps(asdict(load)))


if __name__ == "__main__":
    main()

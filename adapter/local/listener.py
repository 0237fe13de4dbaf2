"""The two ports, HTTP and Lambda's API, and the uvicorn server behind them."""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Iterator, Mapping
from typing import Any, cast

import h11
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from adapter.errors import LocalError
from adapter.local.asgi import BrokenResponseError
from adapter.sockets.session import MAX_MESSAGE

_BACKLOG = 2048
_SMALL = 4096  # bytes
_GRACE_S = 1  # uvicorn counts whole seconds


def bind(host: str, port: int, option: str) -> socket.socket:
    """Bind a port; 0 picks a free one. `option` is what the user may change it with.

    Raises `LocalError` where the port is in use or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only then, and without it every small
    # response that is written in two pieces takes 40 ms.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(_BACKLOG)  # now: until they listen, two sockets may be bound to one port
    except OSError as error:
        bound.close()
        advice = f"Choose another port with {option}; 0 picks a free one."
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            advice = "The host must be an address of this machine: 127.0.0.1, or 0.0.0.0 for all."
        raise LocalError(
            f"cannot listen on {host}:{port}: {error.strerror or error}. {advice}",
        ) from error
    return bound


def url_of(bound: socket.socket, scheme: str = "http") -> str:
    """Return the URL that a bound socket is reached at."""
    host, port = bound.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class Listener:
    """Serves one application on each bound socket, from `start` to `stop`.

    `options` are uvicorn's. Raises `LocalError` where a certificate or its key cannot be read.
    """

    def __init__(self, applications: Mapping[socket.socket, ASGIApp], **options: Any) -> None:
        self._sockets = list(applications)
        self._by_port = {
            bound.getsockname()[1]: application for bound, application in applications.items()
        }
        self._server = _Server(
            uvicorn.Config(
                self._dispatch,
                access_log=False,
                http=_Protocol,  # the same everywhere, whatever else is installed
                interface="asgi3",  # not guessed: with uvicorn a bound method looks like ASGI 2
                lifespan="off",
                log_config=None,
                log_level="warning",
                proxy_headers=False,  # client and scheme are what the socket says
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
                # As API Gateway's: no compression, no pings, and 1009 above the limit.
                ws="websockets-sansio",
                ws_max_size=MAX_MESSAGE,
                ws_per_message_deflate=False,
                ws_ping_interval=None,
                **options,
            ),
        )
        _load(self._server.config)
        logging.getLogger("uvicorn.error").addFilter(_is_news)
        self._serving: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Accept requests from now on."""
        self._serving = asyncio.get_running_loop().create_task(
            self._server.serve(sockets=self._sockets),
        )

    async def stop(self) -> None:
        """Accept none any more and wait, at most a second, for those that are being answered."""
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
        for bound in self._sockets:
            bound.close()

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Both ports share one server; which of them a request came in on says its socket.
        await self._by_port[scope["server"][1]](scope, receive, send)


def _load(config: uvicorn.Config) -> None:
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        raise LocalError(f"the certificate or its key cannot be read: {error}") from error


def _is_news(record: logging.LogRecord) -> bool:
    """Drop what uvicorn says where our log has told why.

    It is about connections that we have it cut, and WebSockets that are refused with a status.
    """
    if record.getMessage() == "ASGI callable returned without completing handshake.":
        return False
    return not (record.exc_info and isinstance(record.exc_info[1], BrokenResponseError))


class _Protocol(H11Protocol):
    """uvicorn's, for clients that send nonsense after they have been answered.

    An answer to that, too, would be an error of ours with a traceback.
    """

    def connection_made(
        self,
        transport: asyncio.Transport,  # type: ignore[override]  # uvicorn names this one, too
    ) -> None:
        super().connection_made(cast("asyncio.Transport", Together(transport)))

    def send_400_response(self, msg: str) -> None:
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        else:
            self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: what is no WebSocket is answered as the request that it also is."""


class Together:
    """A transport that sends the head of a response and its body in one packet.

    A small piece is held back until the next one, at most until the event loop's next turn: to send
    is most of what a small response costs, for us and for the client.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held = b""
        self._sending: asyncio.Handle | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """See `asyncio.WriteTransport`."""
        if self._held or len(data) > _SMALL:
            self._send(data)
        elif data:
            self._held = data
            self._sending = asyncio.get_running_loop().call_soon(self._send)

    def close(self) -> None:
        """See `asyncio.BaseTransport`; what is held back is sent first."""
        self._send()
        self._transport.close()

    def _send(self, data: bytes = b"") -> None:
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None
        held, self._held = self._held, b""
        if held or data:
            self._transport.write(held + data)


class _Server(uvicorn.Server):
    """uvicorn, leaving SIGINT and SIGTERM to whoever runs the server."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

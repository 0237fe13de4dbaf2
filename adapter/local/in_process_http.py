"""The HTTP server of `serve.run`, in a thread of its own."""

import contextlib
from collections.abc import Sequence
from typing import Any

from adapter.http.middlewares import with_middlewares
from adapter.local.endpoints import Endpoints
from adapter.local.http_api import HttpRoute
from adapter.local.http_front import HttpFront
from adapter.local.listener import Listener, bind, url_of
from adapter.local.log import Log
from adapter.local.metrics import Metrics
from adapter.loop_thread import LoopThread
from adapter.serve.http_options import HTTPOptions

LATE_S = 1.0  # for requests that still wait for a function when all have ended
_PORT = 'serve.start(http_options={"port": ...})'


class InProcessHttp:
    """Serves applications by route prefix, from its creation to `stop`. Assign `routes`.

    Raises `LocalError` where the port is taken or the certificate cannot be read.
    """

    def __init__(self, options: HTTPOptions, metrics: Metrics) -> None:
        self.options = options
        self._front = HttpFront(Log(lambda _line: None), root_path=options.root_path)
        application = Endpoints(self._front, metrics)
        with contextlib.ExitStack() as on_failure:
            bound = on_failure.enter_context(bind(str(options.host), options.port, _PORT))
            self._listener = Listener(
                {bound: with_middlewares(application, options.middlewares)},
                **_server_options(options),
            )
            on_failure.pop_all()
        self.url = url_of(bound, "https" if options.ssl_certfile else "http")
        self._thread = LoopThread("adapter-http")
        self._thread.loop.call_soon_threadsafe(self._listener.start)

    @property
    def routes(self) -> Sequence[HttpRoute]:
        """The applications that are served."""
        return self._front.routes

    @routes.setter
    def routes(self, routes: Sequence[HttpRoute]) -> None:
        self._front.routes = routes

    def stop(self) -> None:
        """Take no more requests; those that wait for a function are answered by its end."""
        self._thread.submit(self._listener.stop()).result()

    def close(self) -> None:
        """End what still waits for a function, when all have ended."""
        with contextlib.suppress(TimeoutError):  # a function that was left alone never answers
            self._thread.submit(self._front.close()).result(LATE_S)
        self._thread.stop()


def _server_options(options: HTTPOptions) -> dict[str, Any]:
    """Say it in uvicorn's words."""
    return {
        "ssl_ca_certs": options.ssl_ca_certs,
        "ssl_certfile": options.ssl_certfile,
        "ssl_keyfile": options.ssl_keyfile,
        "ssl_keyfile_password": options.ssl_keyfile_password,
        "timeout_keep_alive": options.keep_alive_timeout_s,
    }

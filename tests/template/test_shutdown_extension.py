"""The extension as Lambda runs it: a process that talks to the Extensions API."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Event, Thread

import adapter

EXTENSION = Path(adapter.__file__).parent / "template" / "adapter-shutdown"


@dataclass
class ExtensionsApi:
    """Lambda's Extensions API; `requests` are what it was asked, as they come."""

    refuses: bool = False
    requests: "Queue[tuple[str, str, bytes]]" = field(default_factory=Queue)
    environment_ends: Event = field(default_factory=Event)

    def next_request(self) -> tuple[str, str, bytes]:
        return self.requests.get(timeout=60)


def handler(api: ExtensionsApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            api.requests.put((self.path, self.headers["lambda-extension-name"], body))
            self.send_response(403 if api.refuses else 200)
            if not api.refuses:
                self.send_header("Lambda-Extension-Identifier", "an-identifier")
            self.end_headers()

        def do_GET(self) -> None:
            identifier = self.headers["lambda-extension-identifier"]
            api.requests.put((self.path, identifier, b""))
            api.environment_ends.wait(60)  # then the connection is closed without a word

        def log_message(self, *args: object) -> None:
            pass

    return Handler


@contextmanager
def started(api: ExtensionsApi) -> Iterator["subprocess.Popen[str]"]:
    """Run the extension against `api`, with this Python in place of Lambda's."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(api))
    serving = Thread(target=server.serve_forever, args=[0.01])
    serving.start()
    with subprocess.Popen(
        [sys.executable, "-IS", str(EXTENSION)],
        env={"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            api.environment_ends.set()
            server.shutdown()
            server.server_close()
            serving.join()


def test_it_registers_for_no_events_and_waits_for_the_next() -> None:
    api = ExtensionsApi()

    with started(api) as process:
        path, name, body = api.next_request()
        assert (path, name) == ("/2020-01-01/extension/register", EXTENSION.name)
        assert json.loads(body) == {"events": []}
        assert api.next_request() == ("/2020-01-01/extension/event/next", "an-identifier", b"")
        assert process.poll() is None


def test_it_ends_quietly_with_the_environment() -> None:
    api = ExtensionsApi()

    with started(api) as process:
        api.next_request()
        api.next_request()
        api.environment_ends.set()
        _, said = process.communicate(timeout=60)

    assert (process.returncode, said) == (0, "")


def test_it_says_why_it_was_refused() -> None:
    with started(ExtensionsApi(refuses=True)) as process:
        _, said = process.communicate(timeout=60)

    assert process.returncode == 1
    assert said == (
        "adapter-shutdown: the Extensions API refused to register it: 'HTTP/1.0 403 Forbidden'\n"
    )


def test_it_is_run_by_lambdas_own_python() -> None:
    assert EXTENSION.read_text().splitlines()[0] == "#!/var/lang/bin/python3 -IS"


def test_it_can_be_run() -> None:
    assert os.access(EXTENSION, os.X_OK)

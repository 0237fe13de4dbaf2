"""What the extension is for: with it AWS's own emulator ends a function with SIGTERM."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.hosts import (
    Host,
    emulator_path,
    environment,
    free_port,
    python_in_a_namespace,
    require_namespaces,
    wait_until_it_listens,
)
from tests.template.test_shutdown_extension import EXTENSION

# An application whose lifespan leaves a file when it ends; it is started by an invocation.
SOURCE = """
import os
from adapter import lambda_handler

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        open(os.environ["STOPPED"], "w").close()
        await send({"type": "lifespan.shutdown.complete"})

handler = lambda_handler(app)
"""

# The emulator looks for extensions where Lambda does, so it gets /opt and /var of its own.
START = """set -e
mount -t tmpfs none /opt
mkdir /opt/base /opt/extensions
mount --bind "$BASE" /opt/base
cp $EXTENSIONS /opt/extensions/ 2>/dev/null || true
mount -t tmpfs none /var
mkdir -p /var/lang/bin
ln -s "/opt/base/$PYTHON" /var/lang/bin/python3
exec "$@"
"""


def run_and_end(folder: Path, extensions: str) -> str:
    """Let the emulator start a function and end its environment; return what it logged."""
    require_namespaces()
    (folder / "app.py").write_text(SOURCE)
    (folder / "start").write_text(START)
    address = f"127.0.0.1:{free_port()}"
    variables = {
        "EXTENSIONS": extensions,
        "LD_LIBRARY_PATH": "/opt/base/lib",
        "STOPPED": str(folder / "stopped"),
        **python_in_a_namespace(),
    }
    with (folder / "emulator.log").open("w+b") as log:
        process = subprocess.Popen(
            [
                *("unshare", "--mount", "sh", str(folder / "start"), emulator_path()),
                *("--log-level", "debug"),
                *("--runtime-interface-emulator-address", address),
                *("--runtime-api-address", f"127.0.0.1:{free_port()}"),
                *(sys.executable, "-m", "adapter.runtime", "app.handler"),
            ],
            cwd=folder,
            env=environment(folder, folder, variables),
            stdout=log,
            stderr=log,
        )
        try:
            wait_until_it_listens(process, address)
            Host(f"http://{address}", "function").invoke({})
        finally:
            process.terminate()
            process.wait()
        log.seek(0)
        return log.read().decode()


@pytest.mark.parametrize(("extensions", "stops"), [("", False), (str(EXTENSION), True)])
def test_lifespan_ends_on_the_emulator_where_the_extension_is(
    *,
    tmp_path: Path,
    extensions: str,
    stops: bool,
) -> None:
    said = run_and_end(tmp_path, extensions)

    assert os.path.lexists(tmp_path / "stopped") is stops, said

"""AWS's Lambda Web Adapter in front of uvicorn, started as its layer starts both.

The argument is the adapter's executable. The web server is started first; the adapter waits until
it answers, registers as an extension and then asks the Runtime API for events.
https://awslabs.github.io/aws-lambda-web-adapter/
"""

import os
import socket
import subprocess
import sys


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    server = (sys.executable, "-m", "uvicorn", "bench.handlers.web:app")
    subprocess.Popen([*server, "--port", port, "--no-access-log", "--log-level", "warning"])
    variables = {
        **os.environ,
        "AWS_LWA_PORT": port,
        "AWS_LWA_READINESS_CHECK_PATH": "/items/7",
    }
    os.execve(sys.argv[1], sys.argv[1:], variables)


if __name__ == "__main__":
    main()

"""The floor: a client that asks, throws the event away and posts the same answer each time.

What it takes is the Runtime API's side and the kernel's, which every contender pays.
"""

import os
import re
import socket
import sys

ANSWER = b'{"statusCode":200,"body":"{\\"hello\\":\\"you\\"}"}'
NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n"
POST = (
    b"POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: runtime\r\n"
    b"Content-Length: %d\r\n\r\n%s"
)
REQUEST_ID = re.compile(rb"(?i)lambda-runtime-aws-request-id: ([^\r]+)")


def main() -> None:
    host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        connection.sendall(NEXT)
        event = connection.recv(65536)
        found = REQUEST_ID.search(event)
        if found is None:
            sys.exit()
        connection.sendall(POST % (found[1], len(ANSWER), ANSWER))
        connection.recv(4096)


if __name__ == "__main__":
    main()

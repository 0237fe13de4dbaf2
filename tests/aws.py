"""AWS as far as moto has it, over real HTTP, with answers of our own where moto has none."""

import contextlib
import functools
import http.client
import http.server
import io
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest

from adapter.cli.main import main
from tests.runtime.hosts import free_port

ROOT = Path(__file__).parents[1]
REGION = "eu-central-1"
ACCOUNT = "123456789012"
LISTENING_S = 60


class Reply(NamedTuple):
    """An answer in place of moto's; `body` is JSON, or a text as it is."""

    status: int
    body: Any
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


class Done(NamedTuple):
    """A command at its end, as `subprocess` tells it."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class Aws:
    """One region of one account. `url` is its endpoint for every service."""

    url: str
    moto: str
    scripted: dict[str, list[Reply]] = field(default_factory=dict)
    asked: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    answered: set[str] = field(default_factory=set)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    @property
    def environ(self) -> dict[str, str]:
        """The variables of a process that uses it, without those of this machine."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "ADAPTER_")) and name != "CI"
        }
        return {
            **kept,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.url,
            "PYTHONPATH": str(ROOT),
            "TZ": "UTC",
        }

    def client(self, service: str) -> Any:
        """A client that asks moto itself."""
        session: Any = boto3.Session(
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            region_name=REGION,
        )
        return session.client(service, endpoint_url=self.moto)

    def answers(self, request: str, *replies: Reply) -> None:
        """Answer requests that match a pattern one after another; the last reply stays.

        A request is "GET /path", or its action where the service has one, "POST DescribeStacks".
        """
        self.scripted[request] = list(replies)

    def wait_for(self, request: str) -> None:
        """Wait until a request that matches the pattern has been answered."""
        with self.arrived:
            found = self.arrived.wait_for(
                lambda: any(re.fullmatch(request, one) for one in self.answered),
                timeout=60,
            )
        assert found, f"nobody asked for {request}: {dict(self.asked)}"

    def reply(self, request: str) -> Reply | None:
        for pattern, replies in self.scripted.items():
            if re.fullmatch(pattern, request):
                return replies.pop(0) if len(replies) > 1 else replies[0]
        return None

    def note(self, request: str) -> None:
        """Say that a request has been answered."""
        with self.arrived:
            self.answered.add(request)
            self.arrived.notify_all()

    def create_stack(self, name: str, template: Any) -> str:
        body = template if isinstance(template, str) else json.dumps(template)
        made = self.client("cloudformation").create_stack(
            StackName=name,
            TemplateBody=body,
            Capabilities=["CAPABILITY_IAM"],
        )
        return str(made["StackId"])

    def run(
        self,
        folder: Path,
        *arguments: str,
        **environ: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run `adapter` to its end."""
        return subprocess.run(
            command(*arguments),
            cwd=folder,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    def call(self, folder: Path, *arguments: str, **environ: str) -> Done:
        """Run `adapter` in this process, which takes a third of the time."""
        before, here = dict(os.environ), Path.cwd()
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
        try:
            os.environ.clear()
            os.environ.update({**self.environ, **environ})
            time.tzset()
            os.chdir(folder)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(arguments)
        finally:
            os.chdir(here)
            os.environ.clear()
            os.environ.update(before)
            time.tzset()
        return Done(code, _text(out), _text(err))

    def start(self, folder: Path, *arguments: str, **environ: str) -> "subprocess.Popen[str]":
        """Start `adapter` with its output in a pipe."""
        return subprocess.Popen(
            command(*arguments),
            cwd=folder,
            env={**self.environ, "PYTHONUNBUFFERED": "1", **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined,no-any-return]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "adapter.cli.main", *arguments]


class _Front(http.server.BaseHTTPRequestHandler):
    """Gives the scripted answers, and moto's to everything else."""

    protocol_version = (
        "HTTP/1.0"  # clients in this process would keep connections, and threads, alive
    )

    def __init__(self, aws: Aws, *arguments: Any) -> None:
        self.aws = aws
        super().__init__(*arguments)

    def log_message(self, *_arguments: Any) -> None:
        pass

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        action = urllib.parse.parse_qs(body.decode("latin-1")).get("Action", [""])[0]
        target = (self.headers.get("x-amz-target") or "").rpartition(".")[2]
        request = f"{self.command} {action or target or self.path}"
        self.aws.asked[request] += 1  # before the answer, after which a test may count
        reply = self.aws.reply(request) or self._of_moto(body)
        text = reply.body if isinstance(reply.body, str | bytes) else json.dumps(reply.body)
        data = text.encode() if isinstance(text, str) else text
        with contextlib.suppress(OSError):
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        self.aws.note(request)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer  # noqa: N815 - http.server's names

    def _of_moto(self, body: bytes) -> Reply:
        moto = urllib.parse.urlsplit(self.aws.moto)
        connection = http.client.HTTPConnection(str(moto.hostname), moto.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            answer = connection.getresponse()
            dropped = ("connection", "content-length", "date", "server", "transfer-encoding")
            headers = {
                name: value for name, value in answer.getheaders() if name.lower() not in dropped
            }
            return Reply(answer.status, answer.read(), headers)


@contextlib.contextmanager
def _moto() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env={**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + LISTENING_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < end, "moto does not listen"
        time.sleep(0.1)


@contextlib.contextmanager
def _front(moto: str) -> Iterator[Aws]:
    aws = Aws(url="", moto=moto)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Front, aws))
    server.daemon_threads = False
    aws.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield aws
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def region() -> Iterator[Aws]:
    with _moto() as moto, _front(moto) as aws:
        yield aws


@pytest.fixture
def aws(region: Aws) -> Aws:
    """An account in which nothing is deployed yet."""
    urllib.request.urlopen(f"{region.moto}/moto-api/reset", data=b"", timeout=30).close()
    region.scripted.clear()
    region.asked.clear()
    region.answered.clear()
    return region


def error(code: str, message: str = "no", status: int = 400) -> Reply:
    """An error as CloudFormation's API tells it."""
    body = (
        "<ErrorResponse><Error><Type>Sender</Type>"
        f"<Code>{code}</Code><Message>{message}</Message></Error>"
        "<RequestId>1</RequestId></ErrorResponse>"
    )
    return Reply(status, body, {"content-type": "text/xml"})


def refusal(code: str, message: str = "no", status: int = 400) -> Reply:
    """An error as Lambda's API and CloudWatch's tell it."""
    return Reply(status, {"message": message, "__type": code}, {"x-amzn-errortype": code})


# A stack as `sam deploy` leaves it, in what moto knows.
def shop(**outputs: Any) -> dict[str, Any]:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    return {
        "Resources": {
            "Role": role,
            "Gateway": lambda_function("Gateway"),
            "Model": lambda_function("Model", ReservedConcurrentExecutions=20),
        },
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }


def lambda_function(name: str, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": {"Fn::Sub": f"${{AWS::StackName}}-{name}"},
            "Code": {"ZipFile": "def handler(event, context): return event"},
            "Handler": "index.handler",
            "Runtime": "python3.13",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            **properties,
        },
    }

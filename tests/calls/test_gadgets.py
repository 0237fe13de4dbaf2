"""What other tools would turn into objects and code stays what it is: data.

A function of its own process is sent such payloads through Lambda's API, and a caller gets such
answers. `gadget` is a module that is there to be imported and never is.
"""

import base64
import json
import os
import pickle
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapter.calls.error_object import function_error
from adapter.errors import InvalidCall, RemoteError
from adapter.http1 import response_bytes
from adapter.serve.handles import DeploymentHandle
from tests.calls import lambda_server
from tests.calls.events import END, chunk, item
from tests.calls.lambda_server import LambdaServer, Reply, result
from tests.running import Run, adapter_run

GADGET = """
from pathlib import Path

HERE = Path(__file__).parent
(HERE / "imported").touch()


def run(*args, **kwargs):
    (HERE / "run").touch()


class Gadget:
    __init__ = __setstate__ = run
"""
PROGRAM = """
import sys
from dataclasses import dataclass

from adapter import serve

alarms = []


def alarm(event, arguments):
    if event in {"pickle.find_class", "os.system", "subprocess.Popen", "os.posix_spawn"}:
        alarms.append(event)


@dataclass
class Point:
    x: int


@serve.deployment
class Model:
    def __init__(self):
        sys.addaudithook(alarm)

    def __call__(self, *args, **kwargs):
        return repr((args, kwargs))

    def shift(self, point: Point):
        return repr(point)

    def seen(self):
        return ["gadget" in sys.modules, alarms]


app = Model.bind()
"""


class Pickled:
    """Runs a function when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.file),)


def pickled(folder: Path) -> str:
    return base64.b64encode(pickle.dumps(Pickled(folder / "unpickled"))).decode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("gadgets")
    (made / "gadget.py").write_text(GADGET)
    (made / "program.py").write_text(PROGRAM)
    return made


@pytest.fixture(scope="module")
def run(folder: Path) -> Iterator[Run]:
    running = adapter_run("program:app", folder=folder)
    yield running
    running.stop()


def invoke(run: Run, event: Any) -> Any:
    url = f"{run.lambda_url}/2015-03-31/functions/Model/invocations"
    request = urllib.request.Request(url, data=json.dumps(event).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def nothing_has_happened(run: Run, folder: Path) -> bool:
    files = {path.name for path in folder.iterdir()} - {"__pycache__"}
    return invoke(run, {"method": "seen"}) == [False, []] and files == {"gadget.py", "program.py"}


def test_the_pickle_would_work(tmp_path: Path) -> None:
    pickle.loads(base64.b64decode(pickled(tmp_path)))

    assert (tmp_path / "unpickled").is_dir()


def test_a_pickle_stays_bytes(run: Run, folder: Path) -> None:  # R10
    text = pickled(folder)
    expected = repr(((text, base64.b64decode(text)), {}))

    assert invoke(run, {"args": [text, {"$bytes": text}]}) == expected
    assert nothing_has_happened(run, folder)


PLAIN: list[Any] = [
    {"__class__": "gadget.Gadget"},
    {"__class__": "gadget.Gadget", "__module__": "gadget", "__dict__": {}},
    {"__reduce__": ["gadget.run", []]},
    {"__type__": "gadget.Gadget", "args": []},
    {"py/object": "gadget.Gadget"},
    {"py/reduce": [{"py/type": "gadget.Gadget"}, {"py/tuple": []}]},
    {"$type": "gadget.Gadget, gadget"},
    {"@class": "gadget.Gadget"},
    {"$gadget.Gadget": []},
    {"$import": "gadget"},
    {"$os.system": "mkdir unpickled"},
    {"$pickle": "gASVCwAAAAAAAACMBmdhZGdldJSMA3J1bpSTlC4="},
    {"$model": {"$class": "gadget.Gadget"}},
    {"$Decimal": "1"},
    {"errorType": "gadget.Gadget", "errorMessage": "", "stackTrace": []},
    "!!python/object/apply:gadget.run []",
    "__import__('gadget').run()",
]


@pytest.mark.parametrize("value", PLAIN)
def test_a_value_that_names_code_stays_a_plain_value(run: Run, folder: Path, value: Any) -> None:
    event = {"args": [value], "kwargs": {"key": [value]}}

    assert invoke(run, event) == repr(((value,), {"key": [value]}))
    assert nothing_has_happened(run, folder)


@pytest.mark.parametrize(
    "value",
    [
        {"$ndarray": {"dtype": "O", "shape": [1], "data": "gASVCwAAAAAAAAA="}},
        {"$ndarray": {"dtype": "gadget.Gadget", "shape": [1], "data": ""}},
        {"$ndarray": {"dtype": "i4,O", "shape": [1], "data": "AAAAAAAAAAAAAAAA"}},
        {"$decimal": {"__class__": "gadget.Gadget"}},
        {"$bytes": "gadget.Gadget()"},
    ],
)
def test_a_tag_with_such_a_content_is_refused(run: Run, folder: Path, value: Any) -> None:
    assert invoke(run, {"args": [value]})["errorType"] == "InvalidCall"
    assert nothing_has_happened(run, folder)


@pytest.mark.parametrize(
    "value", [{"__class__": "gadget.Gadget"}, {"py/object": "gadget.Gadget", "x": 1}, {"$x": 1}]
)
def test_a_hint_decides_what_is_rebuilt_and_the_value_does_not(
    run: Run,
    folder: Path,
    value: Any,
) -> None:
    answer = invoke(run, {"method": "shift", "args": [value]})

    assert answer["errorType"] == "InvalidCall"
    assert nothing_has_happened(run, folder)


NO_CLASSES = [
    *(("gadget", "Gadget"), ("gadget", "run"), ("os", "system"), ("builtins", "eval")),
    *(("subprocess", "Popen"), ("builtins", "SystemExit"), ("sys", "modules"), ("", "")),
    *(("program", "Model"), ("program", "sys"), ("program", "alarm"), ("__main__", "Gadget")),
]


@pytest.mark.parametrize(("module", "qualname"), NO_CLASSES)
@pytest.mark.parametrize("tag", ["$object", "$value"])
def test_a_handle_may_name_a_class_that_is_loaded_and_holds_values_only(  # R10
    run: Run,
    folder: Path,
    tag: str,
    module: str,
    qualname: str,
) -> None:
    objects = {"objects": True}
    event = {"args": [{tag: [module, qualname, {"x": 1}]}], "context": objects}
    point = {"args": [{"$object": ["program", "Point", {"x": 1}]}], "context": objects}

    assert invoke(run, event) == "(({'x': 1},), {})"
    assert invoke(run, point) == "((Point(x=1),), {})"
    assert nothing_has_happened(run, folder)


@pytest.mark.parametrize(
    "method",
    [
        "gadget.Gadget",
        "os.system",
        "__init__",
        "__class__",
        "__reduce__",
        "__call__.__globals__",
        "_asdict",
        "__import__('gadget')",
    ],
)
def test_only_a_public_method_of_the_deployment_is_called(
    run: Run,
    folder: Path,
    method: str,
) -> None:
    answer = invoke(run, {"method": method, "args": ["gadget"]})

    assert answer["errorType"] == "InvalidCall"
    assert nothing_has_happened(run, folder)


@pytest.mark.parametrize(
    "event",
    [
        {"command": "import gadget"},
        {"raw_command": "import gadget"},
        {"manage": "shell"},
        {"handler": "gadget.run"},
        {"method": "__call__", "args": [], "code": "import gadget"},
    ],
)
def test_no_event_is_a_command(run: Run, folder: Path, event: Any) -> None:
    assert invoke(run, event)["errorType"] == "UnsupportedEvent"
    assert nothing_has_happened(run, folder)


def test_what_a_call_says_of_its_caller_is_data(run: Run, folder: Path) -> None:
    context = {"caller": PLAIN[0], "request_id": PLAIN[2], "stream": "gadget", "deadline_ms": None}

    assert invoke(run, {"args": [], "context": context}) == "((), {})"
    assert nothing_has_happened(run, folder)


handle = DeploymentHandle("Model")
NO_ERRORS = [
    *("os.system", "posix.system", "gadget.Gadget", "gadget", "builtins.eval", "eval", "exec"),
    *("__import__", "type", "object", "SystemExit", "KeyboardInterrupt", "GeneratorExit"),
    *("BaseException", "BaseExceptionGroup", "__loader__", "__build_class__", "KeyError.__init__"),
]


def error_body(error_type: Any) -> bytes:
    error = {"errorType": error_type, "errorMessage": "echo", "stackTrace": [PLAIN[0]]}
    return json.dumps(error).encode()


@pytest.fixture
def no_gadget(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Offer the module and see to it that nobody takes it."""
    monkeypatch.syspath_prepend(str(folder))
    yield
    assert "gadget" not in sys.modules
    assert not (folder / "imported").exists()


@pytest.mark.usefixtures("client", "no_gadget")
@pytest.mark.parametrize("error_type", NO_ERRORS)
def test_an_error_that_names_no_exception_is_ours(  # R10
    server: LambdaServer,
    error_type: str,
) -> None:
    server.script.append(lambda_server.function_error(error_body(error_type)))

    with pytest.raises(RemoteError) as caught:
        handle.remote().result()

    assert type(caught.value) is RemoteError
    assert (caught.value.error_type, caught.value.message) == (error_type, "echo")


@pytest.mark.usefixtures("client", "no_gadget")
@pytest.mark.parametrize(("module", "qualname"), NO_CLASSES)
def test_an_error_that_names_no_exception_class_is_ours(
    server: LambdaServer,
    module: str,
    qualname: str,
) -> None:
    body = json.loads(error_body("Gadget")) | {
        "errorClasses": [[module, qualname], ["builtins", "BaseException"]],
        "errorArgs": [{"$object": [module, qualname, {}]}],
        "errorAttributes": {"__class__": {"$value": [module, qualname, 1]}},
    }
    server.script.append(lambda_server.function_error(json.dumps(body).encode()))

    with pytest.raises(RemoteError) as caught:
        handle.remote().result()

    assert type(caught.value) is RemoteError
    assert caught.value.cause is caught.value
    assert caught.value.args == ({},)


@pytest.mark.usefixtures("no_gadget")
@pytest.mark.parametrize("error_type", [PLAIN[0], ["os.system"], None, 1])
def test_an_error_type_that_is_no_text_is_shown_as_text(error_type: Any) -> None:
    error = function_error("Model", error_body(error_type))

    assert type(error) is RemoteError
    assert error.error_type == str(error_type)


@pytest.mark.usefixtures("client", "no_gadget")
@pytest.mark.parametrize("value", PLAIN)
def test_an_answer_that_names_code_is_a_plain_value(server: LambdaServer, value: Any) -> None:
    server.script.append(result(value))

    assert handle.remote().result() == value


@pytest.mark.usefixtures("client", "no_gadget")
def test_an_answer_with_a_bad_tag_is_refused(server: LambdaServer) -> None:
    server.script.append(result({"$ndarray": {"dtype": "O", "shape": [1], "data": "AAAA"}}))

    with pytest.raises(InvalidCall, match="cannot hold"):
        handle.remote().result()


@pytest.mark.usefixtures("client", "no_gadget")
def test_items_and_the_error_of_a_stream_are_data(server: LambdaServer) -> None:
    error = chunk(b'{"error":' + error_body("os.system") + b"}\n")
    body = b"".join(item(value) for value in PLAIN) + error + END
    server.script.append(Reply(response_bytes(200, {}, body)))

    received: list[Any] = []
    with pytest.raises(RemoteError) as caught:
        received.extend(handle.options(stream=True).remote())

    assert received == PLAIN
    assert type(caught.value) is RemoteError

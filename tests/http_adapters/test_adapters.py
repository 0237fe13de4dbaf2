"""The adapters as FastAPI's dependencies: what they make of the body of an HTTP event."""

import json
import logging
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fastapi import Depends, FastAPI
from starlette.requests import Request

from adapter import http_adapters
from adapter.function import Function, lambda_handler
from adapter.http_adapters import (
    NdArray,
    image_to_ndarray,
    json_request,
    json_to_multi_ndarray,
    json_to_ndarray,
    pandas_read_json,
    starlette_request,
)
from adapter.serve import older
from tests import events
from tests.http.answers import Answer, ask

Closing = Callable[[Function], Function]


def dependency(adapter: Any, show: Callable[[Any], Any], closing: Closing) -> Function:
    """Make a function whose only route shows what an adapter has made."""
    app = FastAPI()
    made = Depends(adapter)

    @app.post("/")
    async def endpoint(value: Any = made) -> Any:
        return show(value)

    return closing(lambda_handler(app))


def post(function: Function, body: Any, query: str = "") -> Answer:
    headers = {"content-type": "application/json"}
    text = body if isinstance(body, str) else json.dumps(body)
    return ask(function, events.http_api(method="POST", query=query, headers=headers, body=text))


def array_shown(array: Any) -> Any:
    return [array.tolist(), str(array.dtype), list(array.shape)]


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        ({"array": [1, 2]}, [[1.0, 2.0], "float64", [2]]),
        ({"array": []}, [[], "float64", [0]]),
        ({"array": [[1, 2], [2, 3]]}, [[[1.0, 2.0], [2.0, 3.0]], "float64", [2, 2]]),
        ({"array": [[[[1.5]]]]}, [[[[[1.5]]]], "float64", [1, 1, 1, 1]]),
        ({"array": [1, 2, 3, 4], "shape": [2, 2]}, [[[1, 2], [3, 4]], "float64", [2, 2]]),
        ({"array": [1, 2, 3, 4], "shape": [-1]}, [[1, 2, 3, 4], "float64", [4]]),
        ({"array": [1.9], "dtype": "int32"}, [[1], "int32", [1]]),
        ({"array": [0, 2], "dtype": "bool"}, [[False, True], "bool", [2]]),
    ],
)
def test_an_array_is_read_with_its_shape_and_type(
    payload: Any,
    shown: Any,
    closing: Closing,
) -> None:
    function = dependency(json_to_ndarray, array_shown, closing)

    assert post(function, payload).json == shown


@pytest.mark.parametrize("payload", [{}, {"array": "x"}, {"array": [[[[[1]]]]]}, [1, 2]])
def test_a_body_that_is_no_array_is_unprocessable(payload: Any, closing: Closing) -> None:
    answer = post(dependency(json_to_ndarray, array_shown, closing), payload)

    assert answer.status == 422
    assert answer.json["detail"][0]["loc"][0] == "body"


@pytest.mark.parametrize(
    "payload",
    [
        {"array": [1, 2, 3], "shape": [2, 2]},
        {"array": [[1, 2], [3]]},
        {"array": [1], "dtype": "nonsense"},
        {"array": [1], "dtype": "U100000000"},
        {"array": [1], "dtype": "object"},
    ],
)
def test_numbers_that_do_not_fit_are_an_internal_error(payload: Any, closing: Closing) -> None:
    answer = post(dependency(json_to_ndarray, array_shown, closing), payload)

    assert (answer.status, answer.text) == (500, "Internal Server Error")


def test_several_arrays_are_read_by_name(closing: Closing) -> None:
    function = dependency(
        json_to_multi_ndarray,
        lambda arrays: {name: array_shown(array) for name, array in arrays.items()},
        closing,
    )

    answer = post(function, {"a": {"array": [1]}, "b": {"array": [2], "dtype": "int8"}})

    assert answer.json == {"a": [[1.0], "float64", [1]], "b": [[2], "int8", [1]]}
    assert post(function, {"a": [1]}).status == 422


def test_adapters_are_functions_that_a_unit_test_calls() -> None:
    array = json_to_ndarray(NdArray(array=[1.0, 2.0]))
    arrays = json_to_multi_ndarray({"a": NdArray(array=[[1.0]], dtype="int64")})

    assert np.array_equal(array, [1.0, 2.0])
    assert arrays["a"].dtype == np.int64


@pytest.mark.parametrize("value", [{"a": 1}, [1, 2], "text", 5, None])
def test_json_of_any_kind_is_read(value: Any, closing: Closing) -> None:
    function = dependency(json_request, lambda found: [found], closing)

    assert post(function, json.dumps(value)).json == [value]


def test_a_body_that_is_no_json_is_an_internal_error(closing: Closing) -> None:
    assert post(dependency(json_request, list, closing), "nonsense").status == 500


def test_the_request_itself_comes_with_its_body_read(closing: Closing) -> None:
    def show(request: Request) -> Any:
        return [request.method, request._body.decode()]

    assert post(dependency(starlette_request, show, closing), [1]).json == ["POST", "[1]"]


PICTURE = b64encode(
    b"--b\r\ncontent-disposition: form-data; name=img; filename=a.ppm\r\n\r\n"
    b"P6 2 1 255 \xff\x00\x00\x00\x00\xff\r\n--b--\r\n",
).decode()  # a red and a blue pixel


def upload(function: Function, body: str) -> Answer:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    return ask(
        function,
        events.http_api(method="POST", headers=headers, body=body, base64=True),
    )


def test_a_picture_is_read_from_a_form(closing: Closing) -> None:
    pytest.importorskip("PIL")
    function = dependency(image_to_ndarray, array_shown, closing)

    assert upload(function, PICTURE).json == [[[[255, 0, 0], [0, 0, 255]]], "uint8", [1, 2, 3]]


def test_a_file_that_is_no_picture_is_an_internal_error(closing: Closing) -> None:
    pytest.importorskip("PIL")
    function = dependency(image_to_ndarray, array_shown, closing)
    form = b'--b\r\ncontent-disposition: form-data; name="img"\r\n\r\nx\r\n--b--\r\n'

    assert upload(function, b64encode(form).decode()).status == 500


def test_a_form_without_the_picture_is_unprocessable(closing: Closing) -> None:
    answer = upload(
        dependency(image_to_ndarray, array_shown, closing), b64encode(b"--b--").decode()
    )

    assert answer.status == 422
    assert answer.json["detail"][0]["loc"] == ["body", "img"]


def frame_shown(frame: Any) -> Any:
    return [list(frame.columns), frame.values.tolist()]


def test_a_data_frame_is_read_as_the_query_says(closing: Closing) -> None:
    pytest.importorskip("pandas")
    function = dependency(pandas_read_json, frame_shown, closing)

    assert post(function, {"a": {"0": 1}, "b": {"0": 2}}).json == [["a", "b"], [[1, 2]]]
    rows = {"columns": ["x"], "index": [0, 1], "data": [[3], [4]]}
    assert post(function, rows, query="orient=split").json == [["x"], [[3], [4]]]


@pytest.mark.parametrize("body", ["nonsense", "/etc/hostname", "file:///etc/hostname"])
def test_a_body_is_never_the_name_of_a_file(body: str, closing: Closing) -> None:
    pytest.importorskip("pandas")

    assert post(dependency(pandas_read_json, frame_shown, closing), body).status == 500


def test_the_parameters_are_in_the_openapi_document(closing: Closing) -> None:
    function = dependency(json_to_ndarray, array_shown, closing)

    document = ask(function, events.http_api(path="/openapi.json")).json

    schema = document["components"]["schemas"]["NdArray"]
    assert schema["required"] == ["array"]
    assert len(schema["properties"]["array"]["anyOf"]) == 4


@pytest.mark.parametrize("adapter", ["json_to_ndarray", "image_to_ndarray", "json_request"])
def test_the_module_loads_only_the_standard_library(adapter: str) -> None:
    source = f"from adapter.http_adapters import {adapter}\nfrom adapter.drivers import DAGDriver"
    show = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    before = subprocess.run(
        [sys.executable, "-c", show], capture_output=True, text=True, check=True
    )
    after = subprocess.run(
        [sys.executable, "-c", f"{source}\n{show}"], capture_output=True, text=True, check=True
    )

    loaded = set(after.stdout.split()) - set(before.stdout.split())
    assert loaded - sys.stdlib_module_names == {"adapter"}
    assert after.stderr == ""  # nothing is used yet


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(
        AttributeError, match=r"'adapter\.http_adapters' has no attribute 'nothing'"
    ):
        _ = http_adapters.nothing
    with pytest.raises(AttributeError, match=r"'adapter\.http_adapters\.schemas' has no attribute"):
        _ = http_adapters.schemas.nothing


def test_the_exports_are_there_and_sorted() -> None:
    assert http_adapters.__all__ == sorted(http_adapters.__all__)
    assert [name for name in http_adapters.__all__ if not hasattr(http_adapters, name)] == []
    assert NdArray.__module__ == "adapter.http_adapters"


def test_an_adapter_in_use_says_once_that_it_is_an_older_form(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    closing: Closing,
) -> None:
    monkeypatch.setattr(older, "_said", set())

    with caplog.at_level(logging.WARNING, "adapter.serve"):
        dependency(json_to_ndarray, array_shown, closing)
        dependency(json_request, array_shown, closing)

    assert [record.getMessage() for record in caplog.records] == [
        "adapter.http_adapters is the older form; today it is the parameters of a FastAPI route.",
    ]

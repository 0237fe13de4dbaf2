"""Arguments and results that are too large for Lambda travel through S3, here moto's over HTTP."""

import asyncio
import json
import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.core import set_initial_no_auth_action_count
from moto.server import ThreadedMotoServer

from adapter.calls import codec, payloads
from adapter.calls.client import LambdaTransport
from adapter.calls.dispatch import Dispatcher
from adapter.calls.payloads import MAX_EVENT, MAX_REQUEST, Payloads
from adapter.calls.shape import PAYLOAD
from adapter.errors import InvalidCall, InvocationError, RemoteError
from adapter.http1 import response_bytes
from adapter.responder import Collected
from adapter.serve.handles import DeploymentHandle
from tests.calls.events import END, item
from tests.calls.lambda_server import LambdaServer, Reply, result

handle = DeploymentHandle("Model")
LARGE = "x" * (MAX_REQUEST + 1)
BUCKET = "stack-payloadbucket-1"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Run a server of S3, which has the bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    yield url
    server.stop()


@pytest.fixture
def variables(s3: str) -> dict[str, str]:
    boto(s3).create_bucket(Bucket=BUCKET)
    return {
        "ADAPTER_PAYLOAD_BUCKET": BUCKET,
        "AWS_ENDPOINT_URL_S3": s3,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }


@pytest.fixture
def store(variables: dict[str, str]) -> Payloads:
    return Payloads(variables)


def boto(url: str, key: str = "key", secret: str = "secret") -> Any:
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )


def keys(url: str) -> list[str]:
    return [found["Key"] for found in boto(url).list_objects_v2(Bucket=BUCKET).get("Contents", [])]


async def test_what_is_put_can_be_got(store: Payloads) -> None:
    data = os.urandom(1000)
    reference = await store.put(data)

    assert await store.get(reference[PAYLOAD]) == data
    assert reference[PAYLOAD]["bucket"] == BUCKET


async def test_an_object_may_have_many_megabytes(store: Payloads) -> None:
    data = os.urandom(20 * 1024 * 1024)

    assert await store.get((await store.put(data))[PAYLOAD]) == data


async def test_every_object_has_a_key_of_its_own(store: Payloads, s3: str) -> None:
    before = len(keys(s3))
    references = [await store.put(b"same") for _ in range(2)]

    assert len({reference[PAYLOAD]["key"] for reference in references}) == 2
    assert len(keys(s3)) == before + 2


@set_initial_no_auth_action_count(3)
def test_requests_are_signed_as_s3_wants_it(s3: str, variables: dict[str, str]) -> None:
    iam = boto3.client(
        "iam",
        endpoint_url=s3,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    iam.create_user(UserName="function")
    made = iam.create_access_key(UserName="function")["AccessKey"]
    allowed = {
        "Effect": "Allow",
        "Action": ["s3:PutObject", "s3:GetObject"],
        "Resource": f"arn:aws:s3:::{BUCKET}/calls/*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="function", PolicyName="calls", PolicyDocument=document)
    # From here on signatures and policies are looked at.
    variables["AWS_ACCESS_KEY_ID"] = made["AccessKeyId"]
    variables["AWS_SECRET_ACCESS_KEY"] = made["SecretAccessKey"]

    async def there_and_back() -> bytes:
        store = Payloads(variables)
        return await store.get((await store.put(b"signed"))[PAYLOAD])

    assert asyncio.run(there_and_back()) == b"signed"
    variables["AWS_SECRET_ACCESS_KEY"] = "another"
    with pytest.raises(InvocationError, match="SignatureDoesNotMatch") as caught:
        asyncio.run(there_and_back())
    assert caught.value.status == 403


@pytest.mark.parametrize(
    "changed",
    [
        {"bucket": "another"},
        {"bucket": ""},
        {"key": "secrets/0123456789abcdef0123456789abcdef"},
        {"key": "calls/../0123456789abcdef0123456789abcd"},
        {"key": "calls/0123456789abcdef0123456789abcdef?versions"},
        {"key": "calls/0123456789ABCDEF0123456789ABCDEF"},
        {"key": "calls/0123456789abcdef0123456789abcdef\n"},
        {"key": None},
        {"sha256": None},
        {"sha256": "0" * 64},
    ],
)
async def test_nothing_else_can_be_read(store: Payloads, changed: dict[str, Any]) -> None:
    reference = (await store.put(b"1"))[PAYLOAD] | changed

    with pytest.raises(InvalidCall, match=r"payload"):
        await store.get(reference)


@pytest.mark.parametrize("reference", [None, "calls/1", [], {}, {"bucket": BUCKET}])
async def test_a_reference_has_bucket_key_and_hash(store: Payloads, reference: Any) -> None:
    with pytest.raises(InvalidCall, match="is no payload of"):
        await store.get(reference)


async def test_without_a_bucket_there_is_nothing_to_read(store: Payloads) -> None:
    reference = await store.put(b"1")

    with pytest.raises(InvalidCall, match="is no payload of"):
        await Payloads({}).get(reference[PAYLOAD])
    with pytest.raises(InvalidCall, match="is no payload of"):
        await Payloads({}).get({"bucket": "", "key": "calls/" + "0" * 32, "sha256": "0"})


async def test_an_object_that_is_gone_is_an_invocation_error(store: Payloads, s3: str) -> None:
    reference = (await store.put(b"1"))[PAYLOAD]
    boto(s3).delete_object(Bucket=BUCKET, Key=reference["key"])

    with pytest.raises(InvocationError, match=f"GET s3://{BUCKET}/calls/.*: NoSuchKey: ") as caught:
        await store.get(reference)
    assert caught.value.status == 404


async def test_reads_and_writes_are_tried_a_few_times(
    store: Payloads,
    variables: dict[str, str],
    server: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(payloads, "PAUSE_S", 0.0)
    variables["AWS_ENDPOINT_URL_S3"] = server.url
    busy = Reply(response_bytes(503, {}, b"<Error><Code>SlowDown</Code></Error>"))
    server.script.extend([busy, Reply(hang_up=True), Reply(response_bytes(200, {}))])
    await store.put(b"1")
    server.script.extend([busy] * 3)
    with pytest.raises(InvocationError, match=": SlowDown: "):
        await store.put(b"2")

    assert len(server.requests) == 6
    first, *_, last = server.requests
    assert (first.method, first.body, last.body) == ("PUT", b"1", b"2")


async def test_what_is_refused_is_not_tried_again(
    store: Payloads,
    variables: dict[str, str],
    server: LambdaServer,
) -> None:
    variables["AWS_ENDPOINT_URL_S3"] = server.url
    server.script.append(Reply(response_bytes(403, {}, b"no XML")))
    with pytest.raises(InvocationError, match="HTTP 403: no XML"):
        await store.put(b"1")

    assert len(server.requests) == 1


async def test_an_error_of_s3_is_told_without_what_it_quotes(
    store: Payloads,
    variables: dict[str, str],
    server: LambdaServer,
) -> None:
    variables["AWS_ENDPOINT_URL_S3"] = server.url
    error = (
        b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message>"
        b"<Token-0>FwoGZXIvYXdzEXAMPLE</Token-0></Error>"
    )
    server.script.append(Reply(response_bytes(400, {}, error)))
    with pytest.raises(InvocationError) as caught:
        await store.put(b"1")

    assert str(caught.value).endswith(": ExpiredToken: The provided token has expired.")


# Calls.


@pytest.fixture
def sender(client: LambdaTransport, environ: dict[str, str], variables: dict[str, str]) -> None:
    """Let handles use the bucket."""
    del client  # reads them
    environ.update(variables)


def whole(url: str, event: dict[str, Any]) -> Any:
    """Read what an event says where it is."""
    found = boto(url).get_object(Bucket=BUCKET, Key=event[PAYLOAD]["key"])
    return json.loads(found["Body"].read())


@pytest.mark.usefixtures("sender")
def test_large_arguments_travel_beside_the_event(server: LambdaServer, s3: str) -> None:
    server.script.append(result("short"))
    assert handle.options(multiplexed_model_id="m").predict.remote(LARGE, top=3).result() == "short"

    [request] = server.requests
    assert set(request.event) == {"method", "context", PAYLOAD}
    assert request.event["method"] == "predict"
    assert request.event["context"]["multiplexed_model_id"] == "m"
    sent = whole(s3, request.event)
    assert (sent["method"], sent["args"], sent["kwargs"]) == ("predict", [LARGE], {"top": 3})
    assert sent["context"] == request.event["context"]


@pytest.mark.usefixtures("sender")
def test_what_fits_stays_in_the_event(server: LambdaServer, s3: str) -> None:
    before = keys(s3)
    assert handle.remote("").result() == ""
    rest = MAX_REQUEST - len(server.requests[0].body)
    server.script.extend([result(1), result(2)])
    assert handle.remote("x" * rest).result() == 1
    assert keys(s3) == before
    assert handle.remote("x" * (rest + 1)).result() == 2

    assert len(server.requests[1].body) == MAX_REQUEST
    assert PAYLOAD in server.requests[2].event
    assert len(keys(s3)) == len(before) + 1


@pytest.mark.usefixtures("sender")
def test_events_and_streams_have_large_arguments_too(server: LambdaServer, s3: str) -> None:
    server.script.extend(
        [
            Reply(response_bytes(202, {})),
            Reply(response_bytes(200, {}, item(1) + END)),
        ],
    )
    large = "x" * (MAX_EVENT + 1)
    assert handle.options(invocation_type="Event").remote(large).result() is None
    assert list(handle.options(stream=True).remote(LARGE)) == [1]

    event, stream = server.requests
    assert whole(s3, event.event)["args"] == [large]
    assert whole(s3, stream.event)["args"] == [LARGE]
    assert stream.event["context"]["stream"] is True


@pytest.mark.usefixtures("sender")
async def test_a_large_result_is_fetched(server: LambdaServer, store: Payloads) -> None:
    reference = await store.put(codec.dumps({"all": (1, LARGE)}))
    server.script.append(result_as_sent(reference))

    assert await handle.remote() == {"all": (1, LARGE)}
    assert server.requests[0].event["context"]["large_payloads"] is True


def result_as_sent(value: Any) -> Reply:
    return Reply(response_bytes(200, {}, json.dumps(value, separators=(",", ":")).encode()))


@pytest.mark.usefixtures("sender")
async def test_a_result_cannot_name_another_bucket(server: LambdaServer, store: Payloads) -> None:
    reference = await store.put(b"1")
    reference[PAYLOAD]["bucket"] = "another"
    server.script.append(result_as_sent(reference))

    with pytest.raises(InvalidCall, match="is no payload of"):
        await handle.remote()


@pytest.mark.usefixtures("sender")
async def test_a_result_that_only_begins_as_a_reference_is_itself(
    server: LambdaServer,
    store: Payloads,
) -> None:
    value = {**(await store.put(b"1")), "more": 1}
    server.script.append(Reply(response_bytes(200, {}, codec.dumps(value))))

    assert await handle.remote() == value


@pytest.mark.usefixtures("client")
def test_a_result_names_nothing_where_there_is_no_bucket(server: LambdaServer) -> None:
    value = {PAYLOAD: {"bucket": BUCKET, "key": "calls/" + "0" * 32, "sha256": ""}}
    server.script.append(result_as_sent(value))

    assert handle.remote().result() == value
    assert "large_payloads" not in server.requests[0].event["context"]


@pytest.mark.usefixtures("client")
def test_without_a_bucket_the_error_names_limit_and_option(server: LambdaServer) -> None:
    with pytest.raises(InvocationError) as caught:
        handle.remote(LARGE).result()

    assert str(caught.value).startswith("Model: RequestTooLargeException: the call has 6,291,")
    assert "Lambda takes 6,291,456 (6 MB)" in str(caught.value)
    assert "LambdaOptions(large_payloads=True)" in str(caught.value)
    assert (caught.value.status, caught.value.never_ran) == (413, False)
    assert server.requests == []


@pytest.mark.usefixtures("client")
def test_a_result_above_lambdas_limit_names_the_option(server: LambdaServer) -> None:
    error = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": "exceeded 6 MB."}
    head = {"X-Amz-Function-Error": "Unhandled"}
    server.script.append(Reply(response_bytes(200, head, json.dumps(error).encode())))

    with pytest.raises(RemoteError, match=r"exceeded 6 MB\. .*large_payloads=True"):
        handle.remote().result()


# The callee.


class Model:
    def predict(self, text: str, size: int = 0) -> dict[str, Any]:
        return {"size": len(text), "text": "y" * size}


@pytest.fixture
def dispatcher(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Dispatcher:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Dispatcher(Model(), lambda _: b"")


async def answered(dispatcher: Dispatcher, event: dict[str, Any]) -> Any:
    collected = Collected()
    await dispatcher(event, collected)
    return collected.result


async def test_the_callee_fetches_large_arguments(dispatcher: Dispatcher, store: Payloads) -> None:
    data = json.dumps({"method": "predict", "args": [LARGE]}).encode()
    event = {"method": "predict", "context": {}, **(await store.put(data))}

    assert await answered(dispatcher, event) == {"size": MAX_REQUEST + 1, "text": ""}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "a payload is no JSON"),
        (b"[" * 100_000, "a payload is no JSON"),
        (b"[]", "the payload is no call"),
        (b'{"requestContext": {}}', "the payload is no call"),
        (b'{"method": "predict", "$payload": {}}', "the payload is no call"),
    ],
)
async def test_a_payload_is_a_call(
    dispatcher: Dispatcher,
    store: Payloads,
    data: bytes,
    message: str,
) -> None:
    with pytest.raises(InvalidCall, match=message):
        await answered(dispatcher, {"method": "predict", **(await store.put(data))})


async def test_a_large_result_is_put_where_the_caller_can_fetch_it(
    dispatcher: Dispatcher,
    store: Payloads,
) -> None:
    context = {"large_payloads": True}
    event = {"method": "predict", "args": ["a", MAX_REQUEST], "context": context}
    reference = await answered(dispatcher, event)

    assert set(reference) == {PAYLOAD}
    assert codec.loads(await store.get(reference[PAYLOAD]))["size"] == 1


@pytest.mark.parametrize(("size", "large"), [(MAX_REQUEST, False), (10, True)])
async def test_a_small_result_and_one_for_anybody_else_stay_as_they_are(
    dispatcher: Dispatcher,
    size: int,
    large: bool,  # noqa: FBT001 - a case
) -> None:
    event = {"method": "predict", "args": ["a", size], "context": {"large_payloads": large}}

    assert await answered(dispatcher, event) == {"size": 1, "text": "y" * size}

"""`adapter invoke`, of what `adapter run` serves and of a stack."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws import ROOT, Aws, Reply, aws, refusal, region, shop
from tests.running import Run, adapter_run
from tests.runtime.hosts import free_port

__all__ = ["aws", "region"]

SHARED = """
from adapter import serve

together = serve.LambdaOptions(function="front")


@serve.deployment(lambda_options=together)
class Sentiment:
    def score(self, text):
        return len(text)


@serve.deployment(lambda_options=together)
class Gateway:
    def __init__(self, sentiment):
        self.sentiment = sentiment

    async def __call__(self, request):
        return await self.sentiment.score.remote("x")


app = Gateway.bind(Sentiment.bind())
"""
PROGRAM = """
from adapter import serve


@serve.deployment
class Model:
    def __call__(self, *args, **kwargs):
        print("called")
        return {"args": args, "kwargs": kwargs}

    def upper(self, text):
        return text.upper()

    def fail(self):
        raise KeyError("no such thing")

    def count(self, to):
        for number in range(to):
            yield number

    def break_off(self):
        yield 1
        raise ValueError("enough")


app = Model.bind()
"""
INVOKE = "POST /2015-03-31/functions/shop-Model.*/invocations.*"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("program")
    (folder / "program.py").write_text(PROGRAM)
    running = adapter_run("program:app", folder=folder, PYTHONPATH=str(ROOT))
    try:
        yield running
    finally:
        running.stop()


def local(aws: Aws, run: Run, folder: Path, *options: str) -> tuple[int, str, str]:
    done = aws.call(folder, "invoke", "Model", "--endpoint", run.lambda_url, *options)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("data", "args", "kwargs"),
    [
        ("[1, [2]]", [1, [2]], {}),
        ('{"a": 1}', [], {"a": 1}),
        ('[{"a": 1}]', [{"a": 1}], {}),
        ('"text"', ["text"], {}),
        ("null", [], {}),
    ],
)
def test_data_is_the_arguments(
    aws: Aws,
    run: Run,
    tmp_path: Path,
    data: str,
    args: object,
    kwargs: object,
) -> None:
    code, out, err = local(aws, run, tmp_path, "--data", data)

    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["kwargs"] == kwargs
    assert told["args"] in (args, {"$tuple": args}) or args in told["args"].values()


def test_data_may_come_from_a_file(aws: Aws, run: Run, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('["ä"]', encoding="utf-8")

    assert local(aws, run, tmp_path, "--method", "upper", "--data", "@data.json") == (
        0,
        '"Ä"\n',
        "",
    )


def test_an_exception_is_its_traceback_and_exit_code_1(
    aws: Aws,
    run: Run,
    tmp_path: Path,
) -> None:
    code, out, err = local(aws, run, tmp_path, "--method", "fail")

    assert (code, out) == (1, "")
    assert err.startswith("KeyError in deployment Model: ")
    assert "program.py" in err
    assert err.endswith("KeyError: 'no such thing'\n")


def test_a_stream_is_shown_item_by_item(aws: Aws, run: Run, tmp_path: Path) -> None:
    options = ("--method", "count", "--data", "3", "--stream")

    assert local(aws, run, tmp_path, *options) == (0, "0\n1\n2\n", "")


def test_a_stream_that_fails_is_exit_code_1(aws: Aws, run: Run, tmp_path: Path) -> None:
    code, out, err = local(aws, run, tmp_path, "--method", "break_off", "--stream")

    assert (code, out) == (1, "1\n")
    assert err.endswith("ValueError: enough\n")


def test_verbose_shows_the_end_of_the_log(aws: Aws, run: Run, tmp_path: Path) -> None:
    code, _, err = local(aws, run, tmp_path, "--verbose")

    assert code == 0
    assert "called" in err


def test_async_waits_for_nothing(aws: Aws, run: Run, tmp_path: Path) -> None:
    code, out, err = local(aws, run, tmp_path, "--async", "--method", "fail")

    assert (code, err) == (0, "")
    assert out.startswith("  accepted  ")


def test_where_nothing_listens_it_is_adapter_run_that_is_missing(
    aws: Aws,
    tmp_path: Path,
) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"

    done = aws.call(tmp_path, "invoke", "Model", "--endpoint", endpoint)

    assert done.returncode == 1
    assert done.stderr == (
        f"error: nothing answers at {endpoint}. Start `adapter run`, whose first lines say where "
        "its Lambda API is.\n"
    )


def test_local_and_endpoint_exclude_each_other(aws: Aws, tmp_path: Path) -> None:
    done = aws.call(tmp_path, "invoke", "Model", "--local", "--endpoint", "http://127.0.0.1:1")

    assert done.returncode == 2
    assert done.stderr.endswith("Error: --local and --endpoint exclude each other.\n")


def test_a_wrong_event_is_not_told_about_data(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text("{")

    done = aws.call(tmp_path, "invoke", "Model", "--event", "event.json")

    assert done.returncode == 2
    assert "--event: expected JSON" in done.stderr
    assert "--data" not in done.stderr


def test_an_event_is_sent_as_it_is(aws: Aws, run: Run, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text('{"method": "upper", "args": ["x"]}')

    assert local(aws, run, tmp_path, "--event", "event.json") == (0, '"X"\n', "")


def test_a_deployment_that_is_not_served_is_named(aws: Aws, run: Run, tmp_path: Path) -> None:
    done = aws.call(tmp_path, "invoke", "Modell", "--endpoint", run.lambda_url)

    assert done.returncode == 1
    assert done.stderr == (
        "error: no deployment 'Modell' is served there. Did you mean 'Model'? There are: Model.\n"
    )


def test_a_deployment_that_shares_a_function_is_called_by_its_own_name(
    aws: Aws,
    tmp_path: Path,
) -> None:
    (tmp_path / "shared.py").write_text(SHARED)
    run = adapter_run("shared:app", folder=tmp_path, PYTHONPATH=str(ROOT))
    try:
        done = aws.call(
            *(tmp_path, "invoke", "Sentiment", "--endpoint", run.lambda_url),
            *("--method", "score", "--data", '"fine"'),
        )
    finally:
        run.stop()

    assert (done.returncode, done.stdout) == (0, "4\n"), done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--data", "hello"), "A text is JSON in double quotes"),
        (("--data", "@nothing.json"), "cannot read nothing.json"),
        (("--event", "e.json", "--data", "1"), "--event is the whole event"),
        (("--async", "--stream"), "exclude each other"),
    ],
)
def test_wrong_use_is_exit_code_2(
    aws: Aws,
    tmp_path: Path,
    options: tuple[str, ...],
    said: str,
) -> None:
    done = aws.call(tmp_path, "invoke", "Model", *options)

    assert done.returncode == 2
    assert said in done.stderr


def test_a_deployed_function_is_called_by_its_alias(aws: Aws, tmp_path: Path) -> None:
    aws.create_stack("shop", shop())
    alias = {"Name": "live", "FunctionVersion": "3", "AliasArn": "arn"}
    aws.answers("GET .*/functions/shop-Model/aliases", Reply(200, {"Aliases": [alias]}))
    aws.answers(INVOKE, Reply(200, {"compound": 0.5}))

    done = aws.call(tmp_path, "invoke", "Model", "--stack", "shop", "--data", '"nice"')

    assert (done.returncode, json.loads(done.stdout)) == (0, {"compound": 0.5})
    assert [one for one in aws.asked if "invocations" in one] == [
        "POST /2015-03-31/functions/shop-Model/invocations?Qualifier=live",
    ]


def test_an_invoke_is_never_sent_twice(aws: Aws, tmp_path: Path) -> None:
    aws.create_stack("shop", shop())
    aws.answers(INVOKE, refusal("ServiceException", "later", 500))

    done = aws.call(tmp_path, "invoke", "Model", "--stack", "shop")

    assert (done.returncode, done.stderr) == (1, "error: Invoke: ServiceException: later\n")
    assert aws.asked["POST /2015-03-31/functions/shop-Model/invocations"] == 1


def test_a_deployment_that_the_stack_has_not_is_named(aws: Aws, tmp_path: Path) -> None:
    aws.create_stack("shop", shop())

    done = aws.call(tmp_path, "invoke", "Modell", "--stack", "shop")

    assert done.returncode == 1
    assert "Did you mean 'Model'? It has: Gateway, Model." in done.stderr

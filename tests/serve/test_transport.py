import asyncio
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from adapter.calls.client import LambdaTransport
from adapter.serve import transport
from adapter.serve.transport import Call
from tests.serve.recorder import Recorder


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_connected", None)
    monkeypatch.setattr(transport, "_lambda", None)
    monkeypatch.setattr(transport, "_loop", None)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def test_cancelling_a_call_spares_the_responses_that_are_its_arguments() -> None:
    async def main() -> None:
        argument: Future[int] = Future()
        call = Call(deployment="Model", application="default", method="m", args=(argument,))
        resolving = asyncio.create_task(call.resolved())
        for _ in range(5):
            await asyncio.sleep(0)  # it waits for its argument
        resolving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await resolving

        assert not argument.cancelled()
        argument.set_result(1)
        assert (await call.resolved()).args == (1,)

    asyncio.run(main())


def test_default_is_lambda_and_stays_the_same() -> None:
    assert isinstance(transport.current(), LambdaTransport)
    assert transport.current() is transport.current()


def test_connected_transport_goes_first_until_it_is_taken_away() -> None:
    recorder = Recorder()
    transport.connect(recorder)
    assert transport.current() is recorder

    transport.connect(None)
    assert isinstance(transport.current(), LambdaTransport)


def test_handle_made_before_the_function_still_uses_its_loop(
    loop: asyncio.AbstractEventLoop,
) -> None:
    made_at_import = transport.current()
    transport.carry_on(loop)

    assert isinstance(made_at_import, LambdaTransport)
    assert made_at_import._function_loop() is loop


def test_loop_is_let_go_with_its_function(loop: asyncio.AbstractEventLoop) -> None:
    found = transport.current()
    transport.carry_on(loop)
    transport.let_go(loop)

    assert isinstance(found, LambdaTransport)
    assert found._function_loop() is None


def test_loop_of_a_later_function_stays(loop: asyncio.AbstractEventLoop) -> None:
    earlier = asyncio.new_event_loop()
    earlier.close()
    transport.carry_on(loop)
    transport.let_go(earlier)

    found = transport.current()
    assert isinstance(found, LambdaTransport)
    assert found._function_loop() is loop

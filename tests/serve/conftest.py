from collections.abc import Iterator

import pytest

from adapter.serve import transport
from tests.serve.recorder import Recorder


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    connected = Recorder()
    transport.connect(connected)
    yield connected
    transport.connect(None)

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config.files import Shop, shop_in


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with shop_in(tmp_path) as made:
        yield made

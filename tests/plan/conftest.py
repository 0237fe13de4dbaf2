from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plan.programs import Program, program_in


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with program_in(tmp_path) as made:
        yield made

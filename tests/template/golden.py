"""The pinned templates of `plans.CASES`; `python -m tests.template.golden` pins them anew."""

from pathlib import Path

from adapter.template.project import write_document
from tests.template.plans import CASES

GOLDEN = Path(__file__).parents[1] / "golden"


def pinned(case: str) -> Path:
    return GOLDEN / case / "template.yaml"


def template(case: str) -> str:
    return write_document(CASES[case].plan, CASES[case].settings)


def repin() -> None:
    for case in CASES:
        pinned(case).parent.mkdir(parents=True, exist_ok=True)
        pinned(case).write_text(template(case), encoding="utf-8")


if __name__ == "__main__":
    repin()

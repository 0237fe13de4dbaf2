"""What SAM makes: `adapter check` counts it, and no resource of the user may be called like it."""

import re
from datetime import date

import pytest

from adapter.check import limits
from adapter.check.findings import findings
from adapter.check.stack import Stack
from adapter.template.cloudformation import write_template
from adapter.template.document import describe
from adapter.template.names import taken_ids
from tests.e2e.transform import transform
from tests.template.plans import CASES

pytestmark = pytest.mark.sam


@pytest.mark.parametrize("case", CASES)
def test_resources_are_counted_as_cloudformation_sees_them(
    case: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = CASES[case].plan
    template = describe(plan, CASES[case].settings)
    monkeypatch.setattr(limits, "MAX_RESOURCES", 0)

    checked = Stack(plan=plan, template=template, today=date(2026, 11, 20))
    [found] = [one for one in findings(checked) if one.code == "A116"]

    made = transform(write_template(template))
    assert found.reason.startswith(f"the template becomes about {len(made)} resources;")
    # What SAM calls by a hash nobody would.
    named = {logical_id for logical_id in made if not re.search(r"[0-9a-f]{10}$", logical_id)}
    assert named <= {*template["Resources"], *taken_ids(plan)}

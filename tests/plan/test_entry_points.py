import pytest

from adapter.errors import PlanError
from tests.plan.programs import MODEL, Program


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("io.StringIO()", "Model: constructor argument 1 is an open file"),
        ("1, lambda: None", "Model: constructor argument 2 is a lambda"),
        ("key=object()", "Model: constructor argument 'key' is a live builtins.object object"),
        ("[{'a': object()}]", "Model: constructor argument 1['a'] is a live builtins.object"),
    ],
)
def test_argument_that_cannot_be_deployed_is_refused_with_its_place(
    program: Program,
    arguments: str,
    message: str,
) -> None:
    with pytest.raises(PlanError) as caught:
        program.plan(f"import io\n{MODEL}\napp = Model.bind({arguments})\n")

    assert str(caught.value).startswith(message)


def test_long_entry_points_have_a_line_for_each_argument(program: Program) -> None:
    plan = program.plan(f"{MODEL}\napp = Model.bind('{'x' * 40}', path='{'y' * 40}')\n")

    assert plan.functions[0].entry_point.splitlines()[-5:] == [
        "handler = entry_point(",
        "    Model,",
        f'    "{"x" * 40}",',
        f'    path="{"y" * 40}",',
        ")",
    ]

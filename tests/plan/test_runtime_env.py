import pytest

from adapter.errors import PlanError
from tests.plan.programs import MODEL, Program


@pytest.mark.parametrize(
    ("pip", "requirements"),
    [
        ("['a', 'b==1']", ("a", "b==1")),
        ("{'packages': ['a']}", ("a",)),
        ("None", ()),
        ("[]", ()),
    ],
)
def test_pip_of_the_runtime_environment_becomes_requirements(
    program: Program,
    pip: str,
    requirements: tuple[str, ...],
) -> None:
    options = f"ray_actor_options={{'runtime_env': {{'pip': {pip}}}}}"
    plan = program.plan(f"{MODEL}\napp = Model.options({options}).bind()\n")

    assert plan.functions[0].requirements == requirements


@pytest.mark.parametrize("pip", ["'requirements.txt'", "[1]", "{'packages': 'a'}", "3"])
def test_pip_that_is_no_list_is_refused(program: Program, pip: str) -> None:
    options = f"ray_actor_options={{'runtime_env': {{'pip': {pip}}}}}"

    with pytest.raises(PlanError, match="must be a list of requirements"):
        program.plan(f"{MODEL}\napp = Model.options({options}).bind()\n")


@pytest.mark.parametrize("variables", ["['AA']", "{'AWS_REGION': 'x'}", "{'a b': 'x'}", "3"])
def test_variables_that_lambda_cannot_carry_are_refused(program: Program, variables: str) -> None:
    options = f"ray_actor_options={{'runtime_env': {{'env_vars': {variables}}}}}"

    with pytest.raises(PlanError, match="env_vars"):
        program.plan(f"{MODEL}\napp = Model.options({options}).bind()\n")

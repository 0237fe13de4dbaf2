import pytest

from adapter.errors import PlanError
from adapter.plan.names import check_name, folder, logical_id
from tests.plan.programs import MODEL, Program


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("My Model", "deployment 'My Model': a Lambda function's name holds only letters, digits,"),
        ("modèle", "Give it another name: .options(name='mod-le')."),
        ("a.b", "Give it another name: .options(name='a-b')."),
        ("é", "Give it another name: .options(name='Model')."),
        ("a/b", "hyphens and underscores"),
        ("x" * 65, "has 65 characters, Lambda allows 64."),
        ("a\n", "hyphens and underscores"),
    ],
)
def test_name_that_lambda_cannot_carry_is_refused(
    program: Program,
    name: str,
    message: str,
) -> None:
    with pytest.raises(PlanError) as caught:
        program.plan(f"{MODEL}\napp = Model.options(name={name!r}).bind()\n")

    assert message in str(caught.value)


def test_longest_name_is_taken() -> None:
    assert check_name("Model", "x" * 64) == "x" * 64


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (("text-gateway", "TextGateway"), "folder functions/text_gateway"),
        (("model", "Model"), "folder functions/model"),
        (("A_B", "AB"), "template resource AB"),
        (("text-model", "textModel"), "folder functions/text_model"),
    ],
)
def test_names_that_become_the_same_are_refused(
    program: Program,
    names: tuple[str, str],
    what: str,
) -> None:
    with pytest.raises(PlanError, match=f"would both become the {what}") as caught:
        program.plan(
            f"{MODEL}\none, two = (Model.options(name=n).bind() for n in {names})\n"
            "app = Model.options(name='Ingress').bind(one, two)\n",
        )

    assert all(repr(name) in str(caught.value) for name in names)


@pytest.mark.parametrize(
    ("name", "expected_folder", "expected_id"),
    [
        ("Model", "model", "Model"),
        ("TextGateway", "text_gateway", "TextGateway"),
        ("text-gateway", "text_gateway", "TextGateway"),
        ("HTTPServer2Go", "http_server2_go", "HTTPServer2Go"),
        ("M_1", "m_1", "M1"),
        ("shop-Model", "shop_model", "ShopModel"),
        ("1st", "1st", "Function1st"),
        ("_", "_", "Function"),
    ],
)
def test_name_becomes_folder_and_logical_id(
    name: str,
    expected_folder: str,
    expected_id: str,
) -> None:
    assert (folder(name), logical_id(name)) == (expected_folder, expected_id)

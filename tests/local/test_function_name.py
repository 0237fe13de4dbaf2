"""The ways to name a function."""

import pytest

from adapter.local.function_name import FunctionName, InvalidNameError, parse_function_name


@pytest.mark.parametrize(
    ("text", "name", "qualifier"),
    [
        ("Gateway", "Gateway", ""),
        ("Gateway:live", "Gateway", "live"),
        ("my-app_2-Gateway:$LATEST", "my-app_2-Gateway", "$LATEST"),
        ("function:Gateway", "Gateway", ""),
        ("123456789012:function:Gateway:live", "Gateway", "live"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:Gateway", "Gateway", ""),
        ("arn:aws-cn:lambda:cn-north-1:123456789012:function:Gateway:7", "Gateway", "7"),
    ],
)
def test_every_form_is_understood(text: str, name: str, qualifier: str) -> None:
    assert parse_function_name(text) == FunctionName(name, qualifier)


def test_the_qualifier_may_stand_beside_the_name() -> None:
    assert parse_function_name("Gateway", "live") == FunctionName("Gateway", "live")
    assert parse_function_name("Gateway:live", "live") == FunctionName("Gateway", "live")


def test_two_qualifiers_must_agree() -> None:
    with pytest.raises(InvalidNameError, match="does not match"):
        parse_function_name("Gateway:live", "$LATEST")


@pytest.mark.parametrize("text", ["", "a b", "a:b:c:d", "arn:aws:s3:::bucket", "Gateway:", "ü"])
def test_anything_else_is_no_name(text: str) -> None:
    with pytest.raises(InvalidNameError):
        parse_function_name(text)

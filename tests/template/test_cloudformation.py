import pytest

from adapter.template.cloudformation import Ref, Sub, write_template


def test_sections_and_resources_are_apart() -> None:
    text = write_template(
        {
            "Transform": "T",
            "Description": "D",
            "Resources": {"A": {"Type": "X", "List": ["a"]}, "B": {"Type": "Y"}},
            "Outputs": {"Url": {"Value": Ref("A")}},
        },
    )

    assert text == (
        "Transform: T\nDescription: D\n\n"
        "Resources:\n  A:\n    Type: X\n    List:\n      - a\n\n  B:\n    Type: Y\n\n"
        "Outputs:\n  Url:\n    Value: !Ref A\n"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain text", "plain text"),
        ("2.0", '"2.0"'),
        ("2012-10-17", '"2012-10-17"'),
        ("yes", '"yes"'),
        ("", '""'),
        ("a: b", '"a: b"'),
        (Sub("${AWS::StackName}-a"), "!Sub ${AWS::StackName}-a"),
        (Sub("a: b"), '!Sub "a: b"'),
        (True, "true"),
    ],
)
def test_text_is_quoted_only_where_yaml_must(value: object, written: str) -> None:
    assert write_template({"A": value}) == f"A: {written}\n"


def test_a_repeated_value_is_written_twice() -> None:
    shared = {"a": 1}

    text = write_template({"Outputs": {"A": shared, "B": shared}})

    assert "&" not in text
    assert text.count("a: 1") == 2

import pytest

from adapter.errors import StackError
from adapter.template.cloudformation import Ref, Sub, read_template, write_template


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


def test_short_functions_are_read_as_the_long_ones() -> None:
    short = read_template(
        """
        A: !Ref Table
        B: !GetAtt Table.Arn
        C: !Sub ${Table}-x
        D: !Join ["-", [a, !Ref B]]
        E: !If [Prod, {F: !Sub x}, !Ref AWS::NoValue]
        """,
    )

    assert short == {
        "A": {"Ref": "Table"},
        "B": {"Fn::GetAtt": ["Table", "Arn"]},
        "C": {"Fn::Sub": "${Table}-x"},
        "D": {"Fn::Join": ["-", ["a", {"Ref": "B"}]]},
        "E": {"Fn::If": ["Prod", {"F": {"Fn::Sub": "x"}}, {"Ref": "AWS::NoValue"}]},
    }
    assert read_template({"B": {"Fn::GetAtt": "Table.Arn"}}) == {"B": short["B"]}


def test_dates_stay_the_texts_that_they_are_to_cloudformation() -> None:
    assert read_template("Version: 2012-10-17") == {"Version": "2012-10-17"}


@pytest.mark.parametrize("text", ["a: [", "just words", "- a list"])
def test_what_is_no_template_is_one_error(text: str) -> None:
    with pytest.raises(StackError, match="the template is not"):
        read_template(text)


def test_no_object_is_made_by_a_tag() -> None:
    found = read_template("A: !python/object/apply:os.system [echo]")

    assert found == {"A": {"Fn::python/object/apply:os.system": ["echo"]}}

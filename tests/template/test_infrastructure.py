from pathlib import Path

import pytest

from adapter.errors import BuildError
from adapter.template.cloudformation import write_template
from adapter.template.infrastructure import with_infrastructure

OURS = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Transform": "AWS::Serverless-2016-10-31",
    "Globals": {"Function": {"Timeout": 3}},
    "Resources": {"Gateway": {"Type": "AWS::Serverless::Function"}},
    "Outputs": {"Url": {"Value": "x"}},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "infrastructure.yaml"


def merged(path: Path, text: str) -> str:
    path.write_text(text)
    return write_template(with_infrastructure(OURS, path, {"GatewayRole"}))


def test_sections_come_in_the_order_of_cloudformation(path: Path) -> None:
    text = merged(path, "Outputs: {Mine: {Value: 1}}\nParameters: {P: {Type: String}}\n")

    sections = [line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha()]
    assert sections == [
        *("AWSTemplateFormatVersion", "Transform", "Parameters", "Globals", "Resources"),
        "Outputs",
    ]
    assert text.endswith("Outputs:\n  Url:\n    Value: x\n  Mine:\n    Value: 1\n")


@pytest.mark.parametrize(
    "value",
    [
        "!Ref Other",
        "!Sub ${AWS::StackName}-a",
        "!GetAtt Other.Arn",
        "!ImportValue shared",
        '"2012-10-17"',
        '"0123"',
        "Fn::GetAZs: us-east-1",
    ],
)
def test_what_a_property_says_survives(path: Path, value: str) -> None:
    nested = f"\n        {value}" if value.startswith("Fn::") else f" {value}"
    text = merged(path, f"Resources:\n  A:\n    Type: T\n    Properties:\n      P:{nested}\n")

    assert f"P:{nested}\n" in text


def test_functions_of_lists_and_mappings_survive(path: Path) -> None:
    value = "!Join ['', [a, !Ref B]]"
    text = merged(path, f"Resources:\n  A:\n    P: {value}\n    Q: !Transform {{Name: N}}\n")

    assert 'P: !Join\n      - ""\n      - - a\n        - !Ref B\n' in text
    assert "Q: !Transform\n      Name: N\n" in text


def test_a_date_that_is_not_quoted_stays_text(path: Path) -> None:
    assert 'Version: "2012-10-17"' in merged(path, "Resources: {A: {Version: 2012-10-17}}")


def test_what_every_template_says_may_be_said(path: Path) -> None:
    text = "AWSTemplateFormatVersion: '2010-09-09'\nTransform: AWS::Serverless-2016-10-31\n"

    assert merged(path, f"{text}Description: mine\n") == write_template(OURS)


def test_sections_that_we_have_as_well_are_joined(path: Path) -> None:
    path.write_text("Parameters: {Mine: {Type: String}}")
    ours = {**OURS, "Parameters": {"Ours": {"Type": "Number"}}}

    assert with_infrastructure(ours, path, ())["Parameters"] == {
        "Ours": {"Type": "Number"},
        "Mine": {"Type": "String"},
    }


def test_an_empty_file_adds_nothing(path: Path) -> None:
    assert merged(path, "") == write_template(OURS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nResources:\n  Gateway: {}\n", ":3: Resources has 'Gateway', which `adapter build` wr"),
        ("Resources:\n  GatewayRole: {}\n", ":2: Resources has 'GatewayRole', which `adapter bui"),
        ("Outputs: {Url: {}}", ":1: Outputs has 'Url', which `adapter build` writes itself; give"),
        ("Globals: {}\n", ":1: expected one of Metadata, Parameters, Rules, Mappings, Conditions"),
        ("Transform: AWS::Include\n", ":1: expected one of Metadata, Parameters, Rules, Mappings"),
        ("Resources:\n  A: {}\n  A: {}\n", ":3: the key 'A' is there twice, first in line 2."),
        ("Resources: [1]\n", ":1: Resources must be a mapping."),
        ("Resources: {\n", ":2: this is not valid YAML: "),
        ("[1]\n", " must be a mapping of sections such as Resources."),
    ],
)
def test_a_mistake_is_told_with_its_line(path: Path, text: str, message: str) -> None:
    with pytest.raises(BuildError) as caught:
        merged(path, text)

    assert str(caught.value).startswith(f"{path}{message}")

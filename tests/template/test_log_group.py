from typing import Any

import pytest

from adapter.plan.values import Concurrency
from adapter.template.cloudformation import Ref, Sub
from adapter.template.log_group import log_group, logging_config
from tests.template.plans import function

MANAGED = {
    "capacity_provider": "models",
    "concurrency": Concurrency(provisioned=1, maximum=4, managed=True),
}


def test_log_group_has_the_name_that_lambda_would_give_and_an_end() -> None:
    planned = function("shop-Model", logical_id="ShopModel", log_retention_days=7)

    assert log_group(planned) == {
        "ShopModelLogGroup": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": Sub("/aws/lambda/${AWS::StackName}-shop-Model"),
                "RetentionInDays": 7,
            },
        },
    }


@pytest.mark.parametrize(
    ("planned", "expected"),
    [
        ({}, {}),
        ({"log_level": "DEBUG"}, {}),
        ({"log_format": "JSON"}, {"LogFormat": "JSON"}),
        (
            {"log_format": "JSON", "log_level": "WARN"},
            {"LogFormat": "JSON", "ApplicationLogLevel": "WARN"},
        ),
        (MANAGED, {"LogFormat": "JSON"}),
        (
            {**MANAGED, "log_level": "WARN"},
            {"LogFormat": "JSON", "ApplicationLogLevel": "WARN"},
        ),
    ],
)
def test_lambda_is_told_how_to_log_where_it_can_be(
    planned: dict[str, Any], expected: dict[str, str]
) -> None:
    config = logging_config(function("Model", **planned))["LoggingConfig"]

    assert config == {"LogGroup": Ref("ModelLogGroup"), **expected}

from typing import Any

import pytest

from adapter.errors import BuildError
from adapter.template.cloudformation import Sub
from adapter.template.document import describe
from adapter.template.function_resource import environment
from adapter.template.names import check_logical_ids
from adapter.template.payload_bucket import payload_resources, payload_statements
from tests.template.plans import application, function, gateway, settings, stack

PLAN = application(gateway(large_payloads=True), function("Model", large_payloads=True))


def test_a_stack_that_asks_for_none_has_no_bucket() -> None:
    plan = application(gateway())

    assert payload_resources(plan) == {}
    assert payload_statements(plan.function("Gateway")) == []
    assert "ADAPTER_PAYLOAD_BUCKET" not in environment(plan, plan.function("Gateway"))


def test_a_stack_has_one_bucket_for_all_of_its_applications() -> None:
    other = application(
        function("shop-Gateway", is_ingress=True, logical_id="ShopGateway", folder="shop"),
        name="shop",
        route_prefix="/shop",
    )
    plan = stack(PLAN, other)

    assert sorted(payload_resources(plan)) == ["PayloadBucket", "PayloadBucketPolicy"]
    assert payload_statements(plan.function("shop-Gateway")) == []


def test_the_bucket_is_private_encrypted_and_forgets() -> None:
    bucket = payload_resources(PLAN)["PayloadBucket"]
    properties = bucket["Properties"]

    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    [rule] = properties["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 1)
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Delete", "Delete")
    assert "BucketName" not in properties  # names are global: CloudFormation makes one


def test_the_bucket_takes_requests_over_tls_only() -> None:
    policy = payload_resources(PLAN)["PayloadBucketPolicy"]["Properties"]["PolicyDocument"]

    [statement] = policy["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == (
        *("Deny", "*"),
        "s3:*",
    )
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_functions_may_read_and_write_payloads_and_nothing_else() -> None:  # R12
    assert payload_statements(PLAN.function("Model")) == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": Sub("${PayloadBucket.Arn}/calls/*"),
        },
    ]


def test_functions_are_told_the_bucket() -> None:
    told: dict[str, Any] = describe(PLAN, settings())["Globals"]["Function"]["Environment"]

    assert told["Variables"]["ADAPTER_PAYLOAD_BUCKET"] == Sub("${PayloadBucket}")


def test_a_deployment_cannot_have_the_name_of_the_bucket() -> None:
    taken = function("PayloadBucket", large_payloads=True)

    with pytest.raises(BuildError, match="'PayloadBucket' is taken by another resource"):
        check_logical_ids(application(gateway(), taken))

"""The bucket of a stack that large payloads travel through, where a deployment asks for it.

It is private, encrypted, and forgets what is a day old; the functions of the application may write
and read its objects and nothing else. It is deleted with the stack, if it is empty then.
"""

from typing import Any

from adapter.plan.values import FunctionPlan, StackPlan
from adapter.template.cloudformation import Sub
from adapter.template.private_bucket import private_bucket, tls_only

PAYLOAD_BUCKET = "PayloadBucket"
PAYLOAD_BUCKET_POLICY = "PayloadBucketPolicy"
_ARN = f"${{{PAYLOAD_BUCKET}.Arn}}"


def payload_resources(plan: StackPlan) -> dict[str, Any]:
    """Return the bucket and its policy, by logical id; nothing where no function needs them."""
    if not any(function.large_payloads for function in plan.functions):
        return {}
    return {PAYLOAD_BUCKET: _bucket(), PAYLOAD_BUCKET_POLICY: tls_only(PAYLOAD_BUCKET)}


def payload_variables(function: FunctionPlan) -> dict[str, Sub]:
    """Return the variable that tells a function of the bucket."""
    if not function.large_payloads:
        return {}
    return {"ADAPTER_PAYLOAD_BUCKET": Sub(f"${{{PAYLOAD_BUCKET}}}")}


def payload_statements(function: FunctionPlan) -> list[dict[str, Any]]:
    """Return what the role of a function allows besides, as IAM statements."""
    if not function.large_payloads:
        return []
    return [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": Sub(f"{_ARN}/calls/*"),
        },
    ]


def _bucket() -> dict[str, Any]:
    rule = {
        "Id": "forget-after-a-day",
        "Status": "Enabled",
        "ExpirationInDays": 1,
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
    return private_bucket({"LifecycleConfiguration": {"Rules": [rule]}})

"""Buckets of the stack: private, encrypted, and reached over TLS only."""

from collections.abc import Mapping
from typing import Any

from adapter.template.cloudformation import Ref, Sub


def private_bucket(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a bucket with `properties` besides; it is deleted with the stack, if it is empty."""
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    return {
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {
            "BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]},
            **properties,
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        },
    }


def tls_only(bucket_id: str) -> dict[str, Any]:
    """Return the policy of a bucket that refuses what is not encrypted on its way."""
    arn = f"${{{bucket_id}.Arn}}"
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [Sub(arn), Sub(f"{arn}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": Ref(bucket_id),
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        },
    }

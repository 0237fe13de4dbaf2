from pathlib import Path
from typing import Any

from tests.aws import Aws, Reply, aws, region, shop
from tests.cli.test_status import described, failed_events

__all__ = ["aws", "region"]


def kept() -> dict[str, Any]:
    template = shop()
    template["Resources"]["Files"] = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}
    name = "/aws/lambda/shop-Model"
    template["Resources"]["Logs"] = {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": name},
    }
    return template


def test_a_stack_is_deleted_and_what_stays_is_told(aws: Aws, tmp_path: Path) -> None:
    aws.create_stack("shop", kept())
    [bucket] = aws.client("s3").list_buckets()["Buckets"]

    done = aws.call(tmp_path, "delete", "--stack", "shop", "--yes")

    assert (done.returncode, done.stderr) == (0, "")
    assert "DELETE_COMPLETE       shop (AWS::CloudFormation::Stack)" in done.stdout
    assert (
        aws.client("cloudformation").list_stacks(StackStatusFilter=["CREATE_COMPLETE"])[
            "StackSummaries"
        ]
        == []
    )
    staying = done.stdout.partition("these stay:\n")[2]
    assert f"{bucket['Name']} (AWS::S3::Bucket, DeletionPolicy Retain)" in staying
    assert "the log group /aws/lambda/shop-Gateway" in staying
    assert "shop-Model" not in staying
    assert "aws-sam-cli-managed-default" in staying


def test_nothing_is_deleted_where_nobody_can_be_asked(aws: Aws, tmp_path: Path) -> None:
    aws.create_stack("shop", shop())

    done = aws.call(tmp_path, "delete", "--stack", "shop")

    assert done.returncode == 2
    assert "Delete stack shop? Nobody is there to ask: give --yes." in done.stderr
    assert "POST DeleteStack" not in aws.asked


def test_what_could_not_be_deleted_is_an_error_with_the_reason(aws: Aws, tmp_path: Path) -> None:
    aws.create_stack("shop", shop())
    aws.answers("POST DeleteStack", Reply(200, "<DeleteStackResponse/>"))
    aws.answers(
        "POST DescribeStacks",
        described("CREATE_COMPLETE"),
        described("DELETE_IN_PROGRESS"),
        described("DELETE_FAILED"),
    )
    events = failed_events().replace("UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
    aws.answers("POST DescribeStackEvents", Reply(200, events, {"content-type": "text/xml"}))

    done = aws.call(tmp_path, "delete", "--stack", "shop", "--yes")

    assert done.returncode == 1
    assert done.stderr == "error: the stack is DELETE_FAILED. Gateway: no such layer\n"
    assert done.stdout.count("no such layer") == 1


def test_no_such_stack_is_an_error(aws: Aws, tmp_path: Path) -> None:
    done = aws.call(tmp_path, "delete", "--stack", "shop", "--yes")

    assert done.returncode == 1
    assert "there is no stack 'shop'" in done.stderr

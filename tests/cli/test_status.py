import json
from pathlib import Path

from tests.aws import Aws, Reply, aws, error, lambda_function, refusal, region, shop

__all__ = ["aws", "region"]

ALIASES = r"GET /2015-03-31/functions/shop-Model/aliases"
WARM = r"GET /2019-09-30/functions/shop-Model/provisioned-concurrency\?.*"
ALIAS = {"Name": "live", "FunctionVersion": "3", "AliasArn": "arn"}
EVENTS = """<DescribeStackEventsResponse><DescribeStackEventsResult><StackEvents>{}
    </StackEvents></DescribeStackEventsResult></DescribeStackEventsResponse>"""
EVENT = """<member><StackId>arn:shop</StackId><StackName>shop</StackName><EventId>{0}</EventId>
    <LogicalResourceId>{1}</LogicalResourceId><PhysicalResourceId>{2}</PhysicalResourceId>
    <ResourceType>AWS::X</ResourceType><Timestamp>2026-11-21T14:00:0{0}Z</Timestamp>
    <ResourceStatus>{3}</ResourceStatus><ResourceStatusReason>{4}</ResourceStatusReason></member>"""


def failed_events() -> str:
    """The events of a failed update, the newest first, and of the creation before it."""
    told = [
        (6, "shop", "arn:shop", "UPDATE_ROLLBACK_COMPLETE", ""),
        (5, "Model", "m", "UPDATE_FAILED", "Resource update cancelled"),
        (4, "Gateway", "g", "UPDATE_FAILED", "no such layer"),
        (3, "shop", "arn:shop", "UPDATE_IN_PROGRESS", "User Initiated"),
        (2, "Role", "r", "CREATE_FAILED", "of long ago"),
    ]
    return EVENTS.format("".join(EVENT.format(*one) for one in told))


def described(status: str) -> Reply:
    body = f"""<DescribeStacksResponse><DescribeStacksResult><Stacks><member>
        <StackName>shop</StackName><StackId>arn:shop</StackId><StackStatus>{status}</StackStatus>
        <CreationTime>2026-11-21T14:00:00Z</CreationTime>
        </member></Stacks></DescribeStacksResult></DescribeStacksResponse>"""
    return Reply(200, body, {"content-type": "text/xml"})


def test_the_stack_and_its_functions_are_shown(aws: Aws, tmp_path: Path) -> None:
    aws.create_stack("shop", shop(Url="https://x.example/"))

    done = aws.call(tmp_path, "status", "--stack", "shop")

    assert (done.returncode, done.stderr) == (0, "")
    head, nothing, gateway, model = done.stdout.splitlines()
    assert head.startswith("  shop  CREATE_COMPLETE  20")
    assert nothing == ""
    assert gateway.split()[:3] == ["Gateway", "Active", "modified"]
    assert gateway.endswith("$LATEST  scales from zero")
    assert model.endswith("$LATEST  at most 20")


def test_what_is_warm_is_shown_by_alias(aws: Aws, tmp_path: Path) -> None:
    aws.create_stack("shop", shop())
    aws.answers(ALIASES, Reply(200, {"Aliases": [ALIAS]}))
    warm = {
        "RequestedProvisionedConcurrentExecutions": 4,
        "AvailableProvisionedConcurrentExecutions": 1,
        "Status": "IN_PROGRESS",
    }
    aws.answers(WARM, Reply(200, warm))

    text = aws.call(tmp_path, "status", "--stack", "shop").stdout
    told = json.loads(aws.call(tmp_path, "status", "--stack", "shop", "--output", "json").stdout)

    assert "live → 3  1 of 4 warm, at most 20" in text
    [alias] = told["functions"][1]["aliases"]
    assert (alias["provisioned"], alias["available"], alias["status"]) == (4, 1, "IN_PROGRESS")
    assert told["functions"][1]["version"] == "3"


def test_a_url_is_shown(aws: Aws, tmp_path: Path) -> None:
    aws.create_stack("shop", shop())
    aws.client("lambda").create_function_url_config(FunctionName="shop-Model", AuthType="AWS_IAM")

    told = json.loads(aws.call(tmp_path, "status", "--stack", "shop", "--output", "json").stdout)

    assert told["functions"][0]["url"] is None
    assert told["functions"][1]["url"].startswith("https://")


def test_what_made_the_last_deployment_fail_is_shown_with_the_reason(
    aws: Aws,
    tmp_path: Path,
) -> None:
    aws.create_stack("shop", shop())
    aws.answers("POST DescribeStacks", described("UPDATE_ROLLBACK_COMPLETE"))
    events = Reply(200, failed_events(), {"content-type": "text/xml"})
    aws.answers("POST DescribeStackEvents", events)

    text = aws.call(tmp_path, "status", "--stack", "shop").stdout
    told = json.loads(aws.call(tmp_path, "status", "--stack", "shop", "--output", "json").stdout)

    assert "  failed: Gateway (AWS::X): no such layer\n" in text
    assert (told["failed"]["logical_id"], told["failed"]["reason"]) == ("Gateway", "no such layer")


def test_a_first_change_set_that_was_never_executed_is_no_stack(aws: Aws, tmp_path: Path) -> None:
    aws.answers("POST DescribeStacks", described("REVIEW_IN_PROGRESS"))

    done = aws.call(tmp_path, "status", "--stack", "shop")

    assert done.returncode == 1
    assert "there is no stack 'shop'" in done.stderr


def test_a_function_that_is_not_ours_has_its_own_name(aws: Aws, tmp_path: Path) -> None:
    template = shop()
    template["Resources"]["Other"] = lambda_function("Other", FunctionName="elsewhere")
    aws.create_stack("shop", template)

    done = aws.call(tmp_path, "status", "--stack", "shop")

    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == [
        "elsewhere",
        "Gateway",
        "Model",
    ]


def test_samconfig_names_the_stack(aws: Aws, tmp_path: Path) -> None:
    aws.create_stack("shop", shop())
    config = "version = 0.1\n[default.global.parameters]\nstack_name = 'shop'\n"
    (tmp_path / "samconfig.toml").write_text(config)

    assert aws.call(tmp_path, "status").stdout.startswith("  shop  CREATE_COMPLETE")


def test_a_refusal_of_lambda_is_one_line(aws: Aws, tmp_path: Path) -> None:
    aws.create_stack("shop", shop())
    aws.answers(ALIASES, refusal("AccessDeniedException", "not yours", 403))

    done = aws.call(tmp_path, "status", "--stack", "shop")

    assert (done.returncode, done.stderr) == (1, "error: AWS refuses ListAliases: not yours\n")


def test_throttling_is_waited_out(aws: Aws, tmp_path: Path) -> None:
    aws.create_stack("shop", shop())
    aws.answers("POST DescribeStacks", error("Throttling"), described("CREATE_COMPLETE"))

    assert aws.call(tmp_path, "status", "--stack", "shop").returncode == 0

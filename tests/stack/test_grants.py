"""Where access widens, from the template alone."""

from typing import Any

import pytest

from tests.stack.templates import ARN, access, allow, changed, function, invoke, route, template

SHOP = template(Gateway=function("Gateway", Policies=[invoke("Prices")]), Prices=function("Prices"))
API = {"Type": "AWS::Serverless::HttpApi", "Properties": {"Auth": {"DefaultAuthorizer": "AWS_IAM"}}}
TRUST = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
}


def role(*statements: dict[str, Any], **properties: Any) -> dict[str, Any]:
    document = {"PolicyName": "function", "PolicyDocument": {"Statement": list(statements)}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": TRUST,
            "Policies": [document],
            **properties,
        },
    }


def with_role(*statements: dict[str, Any], **properties: Any) -> dict[str, Any]:
    gateway = function("Gateway", Role={"Fn::GetAtt": ["GatewayRole", "Arn"]})
    return template(Gateway=gateway, GatewayRole=role(*statements, **properties))


def test_the_same_template_widens_nothing() -> None:
    assert access(SHOP, SHOP) == []


def test_a_new_handle_is_told_by_the_names_of_the_deployments() -> None:
    new = changed(SHOP, Gateway={"Policies": [invoke("Prices", "Summarizer")]})

    assert access(SHOP, new) == ["Gateway may now invoke Summarizer"]


def test_an_alias_of_a_callee_is_the_callee() -> None:
    new = changed(SHOP, Gateway={"Policies": [invoke("Prices", "Prices:live")]})

    assert access(SHOP, new) == []


def test_every_function_is_more_than_one() -> None:
    new = changed(SHOP, Gateway={"Policies": [invoke("*")]})

    [told] = access(SHOP, new)
    assert told == f"Gateway may now lambda:InvokeFunction on {ARN}*"


def test_a_role_of_its_own_says_the_same_as_policies_of_the_function() -> None:
    new = with_role(*invoke("Prices")["Statement"])

    assert access(template(Gateway=SHOP["Resources"]["Gateway"]), new) == []


def test_actions_on_the_same_thing_are_one_line() -> None:
    new = changed(SHOP, Prices={"Policies": [allow(["s3:GetObject", "s3:PutObject"], "*")]})

    assert access(SHOP, new) == ["Prices may now s3:GetObject, s3:PutObject on *"]


def test_a_condition_that_goes_widens() -> None:
    condition = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}
    old = changed(SHOP, Prices={"Policies": [allow("s3:*", "*", Condition=condition)]})
    new = changed(SHOP, Prices={"Policies": [allow("s3:*", "*")]})

    assert access(old, new) == ["Prices may now s3:* on *"]
    assert access(new, old) == [
        "Prices may now s3:* on * where {StringEquals: {aws:SourceVpc: vpc-1}}",
    ]


def test_everything_but_something_is_told_as_that() -> None:
    statement = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    new = changed(SHOP, Prices={"Policies": [{"Statement": statement}]})

    assert access(SHOP, new) == ["Prices may now everything but iam:* on *"]


def test_a_statement_behind_a_condition_of_the_template_counts() -> None:
    chosen = {"Fn::If": ["Prod", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, {}]}
    new = with_role(chosen)

    assert "Gateway may now s3:* on *" in access(with_role(), new)


def test_a_denial_that_goes_widens() -> None:
    denial = {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}

    assert access(with_role(denial), with_role()) == [
        "Gateway is no longer denied s3:DeleteObject on *",
    ]
    assert access(with_role(), with_role(denial)) == []


def test_a_permissions_boundary_that_goes_widens() -> None:
    bounded = with_role(PermissionsBoundary="arn:aws:iam::1:policy/bound")

    [told] = access(bounded, with_role())
    assert told.startswith("Gateway is no longer denied what is outside of the permissions")
    assert told.endswith("boundary arn:aws:iam::1:policy/bound")


def test_policies_by_name_are_told_as_they_are_written() -> None:
    new = changed(
        SHOP,
        Prices={"Policies": ["AmazonS3FullAccess", {"SQSPollerPolicy": {"QueueName": "q"}}]},
    )

    assert access(SHOP, new) == [
        "Prices may now use the policy AmazonS3FullAccess",
        "Prices may now use the policy {SQSPollerPolicy: {QueueName: q}}",
    ]
    managed = with_role(ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"])
    assert access(with_role(), managed) == ["Gateway may now use the policy AdministratorAccess"]


def test_what_every_function_has_is_not_told() -> None:
    logs = ["logs:CreateLogStream", "logs:PutLogEvents"]
    group = {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": {"Fn::Sub": "/aws/lambda/${AWS::StackName}-Gateway"}},
    }
    own = allow(logs, {"Fn::GetAtt": ["GatewayLogGroup", "Arn"]})["Statement"]
    new = with_role(*own)
    new["Resources"]["GatewayLogGroup"] = group

    assert access({}, new) == []
    everywhere = with_role(*allow(logs, "*")["Statement"])
    assert access({}, everywhere) == [
        "Gateway may now logs:CreateLogStream, logs:PutLogEvents on *",
    ]


def test_another_account_in_the_trust_of_a_role_is_told() -> None:
    trust = {
        "Statement": [
            *TRUST["Statement"],
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
        ]
    }

    assert access(with_role(), with_role(AssumeRolePolicyDocument=trust)) == [
        "anybody may now assume the role of Gateway",
    ]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"AuthType": "AWS_IAM"}, []),
        ({"AuthType": "NONE"}, ["anybody may now call the function URL of Prices"]),
        ({"AuthType": {"Ref": "Auth"}}, ["anybody may now call the function URL of Prices"]),
    ],
)
def test_a_url_for_anybody_is_told(written: Any, said: list[str]) -> None:
    assert access(SHOP, changed(SHOP, Prices={"FunctionUrlConfig": written})) == said


def test_a_route_without_authorizer_is_told() -> None:
    private = template(HttpApi=API, Gateway=function("Gateway", Events={"Root": route()}))
    opened = changed(private, HttpApi={"Auth": {}})
    one_opened = changed(private, Gateway={"Events": {"Root": route(Authorizer="NONE")}})

    assert access({}, private) == []
    assert access(private, opened) == ["anybody may now call ANY / (HttpApi, Gateway)"]
    assert access(private, one_opened) == ["anybody may now call ANY / (HttpApi, Gateway)"]


def test_another_authorizer_admits_other_people() -> None:
    private = template(HttpApi=API, Gateway=function("Gateway", Events={"Root": route()}))
    other = changed(private, HttpApi={"Auth": {"DefaultAuthorizer": "Customers"}})

    assert access(private, other) == [
        "ANY / (HttpApi, Gateway) is now open to whom Customers admits, not AWS_IAM",
    ]


def test_permissions_and_events_of_other_services_are_told() -> None:
    permission = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": "Prices"},
            "Principal": "*",
        },
    }
    bucket = {"Type": "S3", "Properties": {"Bucket": {"Ref": "Uploads"}, "Events": "s3:*"}}
    queue = {"Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": ["Jobs", "Arn"]}}}
    new = changed(SHOP, Prices={"Events": {"New": bucket, "Job": queue}})
    new["Resources"]["Everybody"] = permission

    assert access(SHOP, new) == [
        "Prices may now read SQS ${Jobs.Arn}",
        "anybody may now invoke Prices",
        "events of S3 ${Uploads} may now invoke Prices",
    ]


def test_routes_in_plain_cloudformation_are_seen() -> None:
    raw = {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"RouteKey": "GET /x"}}

    assert access({}, template(Open=raw)) == ["anybody may now call GET /x (Open)"]
    raw["Properties"] |= {"AuthorizationType": "AWS_IAM"}  # type: ignore[operator]
    assert access({}, template(Open=raw)) == []


def socket_api(auth_type: str) -> dict[str, Any]:
    auth = {"AuthType": auth_type}
    return template(Chat={"Type": "AWS::Serverless::WebSocketApi", "Properties": {"Auth": auth}})


def test_a_web_socket_api_that_opens_is_told() -> None:
    opened = ["anybody may now call the WebSocket API Chat"]

    assert access(socket_api("AWS_IAM"), socket_api("NONE")) == opened
    assert access(socket_api("NONE"), socket_api("AWS_IAM")) == []


def test_another_authorizer_of_a_web_socket_api_admits_other_people() -> None:
    assert access(socket_api("AWS_IAM"), socket_api("CUSTOM")) == [
        "the WebSocket API Chat is now open to whom CUSTOM admits, not AWS_IAM",
    ]


def test_of_a_web_socket_api_in_plain_cloudformation_the_connection_counts() -> None:
    api = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "WEBSOCKET"}}
    routes = {
        name: {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": f"${name.lower()}"},
        }
        for name in ("Connect", "Default")
    }

    assert access({}, template(Api=api, **routes)) == ["anybody may now call $connect (Connect)"]


def test_an_api_that_makes_a_route_of_its_target_is_open() -> None:
    api = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Target": {"Ref": "Gateway"}}}

    assert access({}, template(Api=api)) == ["anybody may now call every path of Api"]


def test_a_policy_of_a_resource_names_its_principals() -> None:
    document = allow(
        "s3:GetObject", "arn:aws:s3:::shop/*", Principal={"AWS": "arn:aws:iam::9:root"}
    )
    policy = {"Type": "AWS::S3::BucketPolicy", "Properties": {"PolicyDocument": document}}

    assert access({}, template(Policy=policy)) == [
        "arn:aws:iam::9:root may now s3:GetObject on arn:aws:s3:::shop/*",
    ]


def test_a_policy_that_is_attached_to_a_role_is_the_functions() -> None:
    attached = {
        "Type": "AWS::IAM::Policy",
        "Properties": {
            "PolicyDocument": allow("s3:GetObject", "*"),
            "Roles": [{"Ref": "GatewayRole"}],
        },
    }
    new = with_role()
    new["Resources"]["Extra"] = attached

    assert access(with_role(), new) == ["Gateway may now s3:GetObject on *"]


def test_a_bucket_that_loses_its_block_is_told_and_one_that_goes_is_not() -> None:
    names = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    block = {"PublicAccessBlockConfiguration": dict.fromkeys(names, True)}
    old = template(Uploads={"Type": "AWS::S3::Bucket", "Properties": block})
    new = template(Uploads={"Type": "AWS::S3::Bucket", "Properties": {}})

    assert access(old, new) == ["anybody is no longer denied public access to Uploads"]
    assert access(old, template()) == []

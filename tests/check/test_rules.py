"""Every rule sees its mistake, and is silent where there is none."""

import dataclasses
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from adapter.check.findings import findings
from adapter.check.rules import CODES, RULES
from adapter.check.stack import Stack
from adapter.plan.values import (
    ApiPlan,
    Concurrency,
    FunctionUrl,
    RoutePlan,
    SocketApiPlan,
    SocketRoute,
)
from adapter.template import package_sizes
from adapter.template.cloudformation import GetAtt, Ref, Sub, Tagged
from adapter.template.document import describe
from tests.check.stacks import codes, function, policies, reasons, resource, stack
from tests.template.plans import CASES, application, gateway
from tests.template.plans import function as planned
from tests.template.plans import stack as several

BUCKET = "arn:aws:s3:::uploads/*"
PRIVATE = resource("Serverless::HttpApi", Auth={"DefaultAuthorizer": "AWS_IAM"})
OPEN = resource("Serverless::HttpApi")
STREAM = RoutePlan(methods=("GET",), path="/words", function="Gateway", streams=True)
NO_VALUE = Ref("AWS::NoValue")
PUBLIC_URL = function(FunctionUrlConfig={"AuthType": "NONE"})
# Put together here, so that no scanner of this repository takes them for real ones.
ACCESS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
RANDOM = "kJ8s0d9Xq2" + "Lw7Zp4Rt6Yv1Bn3Mc5"


def route(api: object = None, **properties: object) -> dict[str, object]:
    """Write a function with a route of an HTTP API."""
    written = {"Path": "/", "Method": "ANY", **properties}
    if api is not None:
        written["ApiId"] = api
    return function(Events={"Root": {"Type": "HttpApi", "Properties": written}})


def rest_route(**properties: object) -> dict[str, object]:
    event = {"Type": "Api", "Properties": {"Path": "/", "RestApiId": Ref("Api"), **properties}}
    return function(Timeout=60, Events={"Root": event})


def open_policy(**statement: object) -> Stack:
    written = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", **statement}
    document = {"Statement": [written]}
    return stack(resources={"Door": resource("S3::BucketPolicy", PolicyDocument=document)})


def chosen_policies(statement: dict[str, object]) -> Stack:
    """Make a role with a policy, a statement and an action that conditions choose."""
    chosen = {**statement, "Action": Tagged("!If", ["All", statement["Action"], "s3:List*"])}
    document = {"Statement": [Tagged("!If", ["Wide", {"Effect": "Allow", **chosen}, NO_VALUE])]}
    policy = Tagged("!If", ["Any", {"PolicyName": "own", "PolicyDocument": document}, NO_VALUE])
    return stack(resources={"Role": resource("IAM::Role", Policies=[policy])})


def referring(*values: object) -> Stack:
    """Make a resource that refers to others; there are a Table and a parameter Size."""
    template = {
        "Parameters": {"Size": {"Type": "String"}},
        "Resources": {"Table": resource("SQS::Queue"), "It": resource("SQS::Queue", Own=[*values])},
    }
    return stack(template=template)


def queue(timeout_s: int, **properties: object) -> Stack:
    """Make a function that a queue of the user's own feeds."""
    event = {"Type": "SQS", "Properties": {"Queue": GetAtt("Jobs", "Arn")}}
    return stack(
        resources={
            "Gateway": function(Timeout=timeout_s, Events={"Jobs": event}),
            "Jobs": resource("SQS::Queue", **properties),
        },
    )


def permission(**properties: object) -> Stack:
    return stack(resources={"Door": resource("Lambda::Permission", **properties)})


def environment(**variables: object) -> Stack:
    return stack(resources={"Gateway": function(Environment={"Variables": variables})})


def gateway_function(**properties: object) -> Stack:
    return stack(resources={"Gateway": function(**properties)})


def logged(**group: object) -> Stack:
    name = Sub("/aws/lambda/${AWS::StackName}-Gateway")
    return stack(
        resources={
            "Gateway": function(FunctionName=Sub("${AWS::StackName}-Gateway")),
            "GatewayLogGroup": resource("Logs::LogGroup", LogGroupName=name, **group),
        },
    )


def public_front(*, public: bool) -> Stack:
    plan = application(gateway(), api=ApiPlan(public=public))
    return stack(plan=plan, resources={"HttpApi": OPEN, "Gateway": route(Ref("HttpApi"))})


def chat(*, public: bool) -> Stack:
    routes = (SocketRoute(path="/chat", stage="chat"),)
    plan = application(gateway(), socket_api=SocketApiPlan(routes=routes, public=public))
    api = resource("Serverless::WebSocketApi", Auth={"AuthType": "NONE"})
    return stack(plan=plan, resources={"ChatSocketApi": api})


def socket_routes(*keys: str) -> Stack:
    """Make the routes of a WebSocket API in plain CloudFormation, without authorizers."""
    routes = {
        f"Route{number}": resource("ApiGatewayV2::Route", ApiId=Ref("Chat"), RouteKey=key)
        for number, key in enumerate(keys)
    }
    return stack(
        resources={"Chat": resource("ApiGatewayV2::Api", ProtocolType="WEBSOCKET"), **routes},
    )


def private_network() -> Stack:
    """Make REST APIs that are reached from a VPC only."""
    return stack(
        resources={
            "Api": resource("Serverless::Api", EndpointConfiguration={"Type": "PRIVATE"}),
            "Plain": resource("ApiGateway::RestApi", EndpointConfiguration={"Types": ["PRIVATE"]}),
            "Get": resource("ApiGateway::Method", RestApiId=Ref("Plain"), HttpMethod="GET"),
        },
    )


def streaming(**properties: object) -> Stack:
    plan = application(gateway(), routes=(STREAM,))
    return stack(plan=plan, resources={"Gateway": function(**properties)})


def sockets(**resources: object) -> Stack:
    return stack(plan=application(gateway(), socket_routes=("/chat",)), resources=resources)


def room(path: str, **options: Any) -> Stack:
    api = SocketApiPlan(routes=(SocketRoute(path=path, stage="room"),))
    plan = application(gateway(**options), socket_routes=(path,), socket_api=api)
    chat = resource("Serverless::WebSocketApi", Auth={"AuthType": "AWS_IAM"})
    return stack(plan=plan, resources={"RoomSocketApi": chat})


def importing(*missing: tuple[str, str]) -> Stack:
    return dataclasses.replace(stack(resources={}), not_installed=missing)


def cors(*, own: bool) -> Stack:
    url = {"AuthType": "AWS_IAM", "Cors": {"AllowOrigins": ["*"]}}
    plan = application(gateway(), own_cors=own)
    return stack(plan=plan, resources={"Gateway": function(FunctionUrlConfig=url)})


def warm(count: int, reserved: int) -> Stack:
    return gateway_function(
        MemorySize=512,
        ReservedConcurrentExecutions=reserved,
        ProvisionedConcurrencyConfig={"ProvisionedConcurrentExecutions": count},
    )


def snap_start(**properties: object) -> Stack:
    return gateway_function(SnapStart={"ApplyOn": "PublishedVersions"}, **properties)


def calling(caller_s: int, callee_s: int) -> Stack:
    caller = gateway(calls=("Model",), timeout_s=caller_s)
    return stack(caller, planned("Model", timeout_s=callee_s))


WRONG: list[tuple[str, Callable[[], Stack]]] = [
    ("A101", lambda: environment(LONG="x" * 4090)),
    (
        "A102",
        lambda: stack(defaults={"Layers": [1, 2, 3]}, resources={"F": function(Layers=[4, 5, 6])}),
    ),
    ("A103", lambda: stack(resources={"Gateway": PUBLIC_URL})),
    ("A103", lambda: stack(resources={"Door": resource("Lambda::Url", AuthType="NONE")})),
    ("A104", lambda: stack(resources={"Api": OPEN})),
    ("A104", lambda: stack(resources={"Api": resource("Serverless::Api")})),
    ("A104", lambda: stack(resources={"Chat": resource("Serverless::WebSocketApi")})),
    ("A104", lambda: stack(resources={"Any": resource("ApiGatewayV2::Route")})),
    ("A104", lambda: stack(resources={"Any": resource("ApiGateway::Method", HttpMethod="GET")})),
    ("A104", lambda: chat(public=False)),
    ("A104", lambda: socket_routes("$connect")),
    ("A104", lambda: stack(resources={"Api": resource("ApiGatewayV2::Api", Target=Ref("F"))})),
    ("A105", lambda: public_front(public=False)),
    ("A105", lambda: stack(resources={"Own": route()})),
    (
        "A105",
        lambda: stack(
            resources={"Api": PRIVATE, "F": route(Ref("Api"), Auth={"Authorizer": "NONE"})},
        ),
    ),
    ("A106", lambda: stack(resources={"Door": resource("Lambda::Permission", Principal="*")})),
    ("A107", lambda: stack(resources={"F": policies(Action="*", Resource=BUCKET)})),
    ("A107", lambda: stack(resources={"F": policies(Action=["s3:*"], Resource=BUCKET)})),
    ("A107", lambda: chosen_policies({"Action": "*", "Resource": BUCKET})),
    ("A107", lambda: stack(resources={"F": policies(NotAction="iam:*", Resource=BUCKET)})),
    ("A108", lambda: stack(resources={"F": policies(Action="s3:GetObject", Resource="*")})),
    ("A108", lambda: stack(resources={"F": policies(Action="s3:GetObject", NotResource=BUCKET)})),
    (
        "A108",
        lambda: stack(
            resources={
                "F": policies(
                    Action="dynamodb:GetItem",
                    Resource=Sub("arn:${AWS::Partition}:dynamodb:eu-west-1:1:table/*"),
                ),
            },
        ),
    ),
    ("A109", lambda: stack(resources={"F": function(Policies=["AdministratorAccess"])})),
    (
        "A109",
        lambda: stack(
            resources={
                "GatewayRole": resource(
                    "IAM::Role",
                    ManagedPolicyArns=["arn:aws:iam::aws:policy/PowerUserAccess"],
                ),
            },
        ),
    ),
    ("A110", open_policy),
    ("A110", lambda: open_policy(Principal={"AWS": ["*"]})),
    ("A111", lambda: environment(SOME=ACCESS_KEY)),
    ("A111", lambda: environment(DATABASE="postgres://me:" + "hunter2@db.example/shop")),
    (
        "A112",
        lambda: snap_start(ProvisionedConcurrencyConfig={"ProvisionedConcurrentExecutions": 1}),
    ),
    ("A112", lambda: snap_start(EphemeralStorage={"Size": 1024})),
    ("A113", lambda: warm(count=3, reserved=2)),
    (
        "A114",
        lambda: stack(
            resources={"Gateway": function(FunctionName=Sub("${AWS::StackName}-" + "n" * 50))},
            stack_names=("shop", "a-stack-with-a-long-name"),
        ),
    ),
    ("A115", lambda: gateway_function(Description="x" * 1_000_001)),
    ("A116", lambda: stack(resources={f"F{number}": function() for number in range(251)})),
    ("A118", lambda: stack(resources={"F": function(Runtime="python3.9")}, today=date(2027, 2, 1))),
    ("A212", sockets),
    ("A214", lambda: importing(("yaml", "PyYAML"))),
    ("A215", lambda: room("/rooms/{name}")),
    ("A119", lambda: cors(own=True)),
    ("A120", lambda: referring(Ref("Jobs"))),
    ("A120", lambda: referring(GetAtt("Jobs", "Arn"))),
    ("A120", lambda: referring(Sub("arn:${AWS::Partition}:s3:::${Jobs}/*"))),
    ("A120", lambda: referring({"Fn::GetAtt": ["Jobs", "Arn"]})),
    ("A120", lambda: referring(Tagged("!Sub", ["${Jobs.Arn}", {"Other": "x"}]))),
    ("A120", lambda: referring(Tagged("!If", ["Here", Tagged("!GetAtt", "Jobs.Arn"), NO_VALUE]))),
    ("A121", lambda: queue(31)),
    ("A121", lambda: queue(61, VisibilityTimeout=60)),
    (
        "A201",
        lambda: stack(
            resources={"Gateway": {**route(Ref("Elsewhere")), "Type": "AWS::Serverless::Function"}},
            defaults={"Timeout": 31},
        ),
    ),
    ("A201", lambda: stack(resources={"Gateway": rest_route()})),
    ("A202", lambda: calling(caller_s=30, callee_s=31)),
    ("A203", lambda: streaming(Events={"A": {"Type": "HttpApi"}})),
    ("A203", lambda: streaming(FunctionUrlConfig={"InvokeMode": "BUFFERED"})),
    ("A204", lambda: gateway_function(Runtime="python3.9")),
    ("A204", lambda: gateway_function(Runtime="python3.8")),
    ("A205", lambda: stack(gateway(dynamic_handles=("shop.py:3",)))),
    ("A206", lambda: stack(resources={"F": function(Policies=["AmazonS3FullAccess"])})),
    ("A207", lambda: warm(count=1, reserved=2)),
    ("A208", lambda: gateway_function(ReservedConcurrentExecutions=901)),
    (
        "A208",
        lambda: gateway_function(
            ProvisionedConcurrencyConfig={"ProvisionedConcurrentExecutions": 901},
        ),
    ),
    ("A209", lambda: environment(DB_PASSWORD="hunter2")),
    ("A209", lambda: environment(apiKey="hunter2")),
    ("A209", lambda: environment(ANYTHING=RANDOM)),
    ("A209", lambda: environment(ANYTHING="9f86d081884c7d659a2feaa0c55ad015")),
    ("A209", lambda: environment(ANYTHING="{{resolve:secretsmanager:shop:SecretString:db}}")),
    ("A210", logged),
    ("A210", lambda: gateway_function(FunctionName="elsewhere")),
    ("A211", lambda: gateway_function(FunctionScalingConfig={"MinExecutionEnvironments": 1})),
    ("A213", lambda: permission(Principal="s3.amazonaws.com")),
]
RIGHT: list[tuple[str, Callable[[], Stack]]] = [
    ("A101", lambda: environment(LONG="x" * 4080)),
    (
        "A102",
        lambda: stack(defaults={"Layers": [1, 2, 3]}, resources={"F": function(Layers=[4, 5])}),
    ),
    (
        "A103",
        lambda: stack(
            gateway(url=FunctionUrl(streams=False, public=True)),
            resources={"Gateway": PUBLIC_URL},
        ),
    ),
    ("A103", lambda: gateway_function(FunctionUrlConfig={"AuthType": "AWS_IAM"})),
    ("A104", lambda: stack(resources={"Api": PRIVATE})),
    (
        "A104",
        lambda: stack(
            resources={"Chat": resource("Serverless::WebSocketApi", Auth={"AuthType": "AWS_IAM"})}
        ),
    ),
    (
        "A104",
        lambda: stack(resources={"Any": resource("ApiGateway::Method", HttpMethod="OPTIONS")}),
    ),
    ("A104", lambda: chat(public=True)),
    ("A104", lambda: socket_routes("$default", "$disconnect", "say")),
    (
        "A104",
        lambda: stack(resources={"Asked": resource("ApiGatewayV2::Route", RouteKey="OPTIONS /x")}),
    ),
    ("A104", private_network),
    ("A104", lambda: public_front(public=True)),
    ("A105", lambda: public_front(public=True)),
    ("A105", lambda: stack(resources={"Api": PRIVATE, "F": route(Ref("Api"))})),
    (
        "A105",
        lambda: stack(
            resources={"Api": OPEN, "F": route(Ref("Api"), Auth={"Authorizer": "AWS_IAM"})}
        ),
    ),
    (
        "A106",
        lambda: stack(
            resources={
                "Door": resource("Lambda::Permission", Principal="*", PrincipalOrgID="o-1"),
                "Bus": resource("Lambda::Permission", Principal="events.amazonaws.com"),
            },
        ),
    ),
    (
        "A106",
        lambda: stack(
            gateway(url=FunctionUrl(streams=False, public=True)),
            resources={
                "Gateway": function(),
                "Door": resource("Lambda::Permission", Principal="*", FunctionName=Ref("Gateway")),
            },
        ),
    ),
    ("A107", lambda: chosen_policies({"Action": "s3:GetObject", "Resource": BUCKET})),
    ("A107", lambda: stack(resources={"F": policies(Action=["s3:Get*"], Resource=BUCKET)})),
    ("A108", lambda: stack(resources={"F": policies(Action=["s3:GetObject"], Resource=BUCKET)})),
    (
        "A108",
        lambda: stack(resources={"F": policies(Action="xray:PutTraceSegments", Resource="*")}),
    ),
    (
        "A108",
        lambda: stack(
            resources={
                "F": policies(
                    Action="logs:PutLogEvents",
                    Resource=Sub("arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/x:*"),
                ),
            },
        ),
    ),
    (
        "A108",
        lambda: stack(
            resources={
                "F": function(
                    Policies=[{"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}}]
                )
            }
        ),
    ),
    ("A109", lambda: stack(resources={"F": function(Policies=["AmazonS3ReadOnlyAccess"])})),
    ("A110", lambda: open_policy(Effect="Deny")),
    ("A110", lambda: open_policy(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
    ("A110", lambda: open_policy(Principal={"Service": "cloudfront.amazonaws.com"})),
    ("A111", lambda: environment(DATABASE="postgres://db.example/shop", SOME="AKIA")),
    ("A112", snap_start),
    ("A113", lambda: warm(count=2, reserved=2)),
    (
        "A114",
        lambda: stack(
            resources={"Gateway": function(FunctionName=Sub("${AWS::StackName}-" + "n" * 50))},
            stack_names=("shop",),
        ),
    ),
    ("A115", lambda: gateway_function(Description="x" * 990_000)),
    ("A116", lambda: stack(resources={f"F{number}": function() for number in range(250)})),
    ("A117", lambda: stack(resources={"Gateway": function()})),
    (
        "A118",
        lambda: stack(resources={"F": function(Runtime="python3.9")}, today=date(2027, 1, 31)),
    ),
    ("A212", lambda: sockets(Chat=resource("Serverless::WebSocketApi"))),
    ("A214", importing),
    ("A215", lambda: room("/room")),
    ("A215", lambda: room("/rooms/{name}", concurrency=Concurrency(maximum=1))),
    ("A212", lambda: sockets(Chat=resource("ApiGatewayV2::Api", ProtocolType="WEBSOCKET"))),
    ("A119", lambda: cors(own=False)),
    ("A120", lambda: referring(Ref("Table"), Ref("Size"), Ref("AWS::NoValue"))),
    ("A120", lambda: referring(Sub("${!Jobs} ${AWS::StackName} ${Table.Arn} ${Size}"))),
    ("A120", lambda: referring(Tagged("!Sub", ["${Jobs}", {"Jobs": Ref("Table")}]))),
    ("A120", lambda: referring(Ref("TableRole"), GetAtt("Table", "Arn"), Ref("Table.Stage"))),
    ("A121", lambda: queue(30)),
    ("A121", lambda: queue(60, VisibilityTimeout="60")),
    ("A121", lambda: queue(60, VisibilityTimeout=Ref("Seconds"))),
    ("A201", lambda: stack(resources={"Gateway": route(Ref("Api"))}, defaults={"Timeout": 30})),
    ("A201", lambda: stack(resources={"Gateway": rest_route(TimeoutInMillis=60_000)})),
    (
        "A201",
        lambda: stack(resources={"Gateway": rest_route(ResponseTransferMode="RESPONSE_STREAM")}),
    ),
    ("A202", lambda: calling(caller_s=30, callee_s=30)),
    ("A203", lambda: streaming(FunctionUrlConfig={"InvokeMode": "RESPONSE_STREAM"})),
    ("A203", lambda: streaming(Events={"Jobs": {"Type": "SQS"}})),  # no front at all
    (
        "A203",
        lambda: streaming(
            Events={
                "A": {"Type": "Api", "Properties": {"ResponseTransferMode": "RESPONSE_STREAM"}}
            },
        ),
    ),
    ("A204", lambda: gateway_function(Runtime="python3.13")),
    ("A204", lambda: gateway_function(Runtime="python3.9", PackageType="Image")),
    ("A205", lambda: stack(gateway())),
    ("A206", lambda: stack(resources={"F": function(Policies=["AmazonS3ReadOnlyAccess"])})),
    ("A207", lambda: gateway_function(ReservedConcurrentExecutions=2)),
    ("A208", lambda: warm(count=900, reserved=900)),
    (
        "A209",
        lambda: environment(
            MAX_TOKENS="512",
            DB_PASSWORD_ARN="arn:aws:secretsmanager:eu-west-1:1:secret:db",
            TOKEN_URL="https://example.com/token",
            USE_TOKEN="true",
            MODEL="sentence-transformers/all-MiniLM-L6-v2",
            PATHS="/opt/models/sentiment/vader-lexicon-2024",
            PRIMARY_KEY="id",
            GIT_SHA="0123456789abcdef0123456789abcdef01234567",
            REQUEST="4459c970-fa6d-4c77-aca6-2c95850fce54",
            ADAPTER_SECRETS=RANDOM,
            CLIENT_SECRET=Sub("${ClientSecret}"),
        ),
    ),
    ("A210", lambda: logged(RetentionInDays=30)),
    ("A213", lambda: permission(Principal="s3.amazonaws.com", SourceAccount=Ref("AWS::AccountId"))),
    ("A213", lambda: permission(Principal="events.amazonaws.com", SourceArn="arn:aws:events:x")),
    ("A213", lambda: permission(Principal="123456789012")),
    ("A211", lambda: gateway_function(FunctionScalingConfig={"MinExecutionEnvironments": 0})),
    (
        "A210",
        lambda: gateway_function(LoggingConfig={"LogGroup": "shared"}),
    ),
]


def labels(cases: list[tuple[str, Callable[[], Stack]]]) -> list[str]:
    return [f"{code}-{number}" for number, (code, _) in enumerate(cases)]


@pytest.mark.parametrize(("code", "make"), WRONG, ids=labels(WRONG))
def test_the_mistake_is_found(code: str, make: Callable[[], Stack]) -> None:
    assert code in codes(make())


@pytest.mark.parametrize(("code", "make"), RIGHT, ids=labels(RIGHT))
def test_what_is_right_is_not_found(code: str, make: Callable[[], Stack]) -> None:
    assert code not in codes(make())


def test_what_the_program_does_not_make_is_not_told_to_say_public_there() -> None:
    """`api="public-http"` is a word of the program, and changes nothing of the user's own."""
    checked = stack(
        resources={
            "Api": OPEN,
            "Chat": resource("Serverless::WebSocketApi"),
            "Own": {
                **PUBLIC_URL,
                "Properties": PUBLIC_URL["Properties"] | route()["Properties"],
            },
        },
    )

    doors = [one for one in findings(checked) if one.code in {"A103", "A104", "A105"}]

    assert len(doors) == 4
    assert all("Metadata" in one.remedy and "public" not in one.remedy for one in doors)


def test_what_the_program_makes_is_told_the_public_word() -> None:
    [api] = [one for one in findings(public_front(public=False)) if one.code == "A105"]
    [socket] = [one for one in findings(chat(public=False)) if one.code == "A104"]

    assert 'Write api="public-http"' in api.remedy
    assert 'Write socket="public"' in socket.remedy


def test_what_cannot_stream_with_the_client_of_aws_is_not_told_to_take_a_url() -> None:
    """`url="stream"` with `exec_wrapper=False` would be refused."""
    plan = application(gateway(exec_wrapper=False), routes=(STREAM,))
    checked = stack(plan=plan, resources={"Gateway": route(Ref("Api"))})

    [found] = [one for one in findings(checked) if one.code == "A203"]

    assert found.remedy == (
        'Remove exec_wrapper=False, and give it LambdaOptions(url="stream"), or api="rest".'
    )


def test_every_rule_is_tested_both_ways() -> None:
    tested_elsewhere = {"A117"}  # it measures a folder; see below

    assert {code for code, _ in WRONG} | tested_elsewhere == CODES
    assert {code for code, _ in RIGHT} == CODES


@pytest.mark.parametrize("case", CASES)
def test_what_a_build_writes_has_no_errors(case: str) -> None:
    plan = CASES[case].plan
    checked = stack(plan=plan, template=describe(plan, CASES[case].settings), stack_names=("shop",))

    assert [one for one in findings(checked) if one.severity == "error"] == []


def test_codes_are_unique_and_in_order() -> None:
    assert [rule.code for rule in RULES] == sorted(CODES)


def test_a_package_that_is_too_large_is_found_where_it_was_built(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = tmp_path / "Gateway/torch/weights.bin"
    package.parent.mkdir(parents=True)
    package.write_bytes(b"x" * 2_000_000)
    monkeypatch.setattr(package_sizes, "MAX_UNZIPPED", 1_000_000)

    [reason] = reasons(stack(build=tmp_path), "A117")

    assert reason == (
        "Gateway: 2 MB unzipped with its layers; Lambda takes 1 MB. The largest are torch 2 MB."
    )


def test_of_two_deployments_of_one_name_the_one_that_is_too_large_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "Gateway").mkdir()
    (tmp_path / "Gateway/weights.bin").write_bytes(b"x" * 2_000_000)
    monkeypatch.setattr(package_sizes, "MAX_UNZIPPED", 1_000_000)
    other = planned("chat-Gateway", deployment="Gateway", logical_id="ChatGateway")
    plan = several(application(gateway()), application(other))

    [found] = [one for one in findings(stack(plan=plan, build=tmp_path)) if one.code == "A117"]

    assert (found.where, found.resource) == ("Gateway", "Gateway")


def test_idle_cost_is_said_in_figures() -> None:
    # 3 environments x 0.5 GB x 2,628,000 s x 0.0000041667 USD
    [reason] = reasons(warm(count=3, reserved=3), "A207")

    assert reason == (
        "Gateway: provisioned concurrency 3 costs 16.43 USD a month before the first request "
        "(prices of 2026-09-19, us-east-1)."
    )


def test_a_secret_is_named_and_never_shown() -> None:
    checked = environment(DB_PASSWORD="correct-horse", KEY=ACCESS_KEY)

    said = str([*reasons(checked, "A111"), *reasons(checked, "A209")])

    assert "DB_PASSWORD" in said
    assert "KEY holds an AWS access key" in said
    assert "correct-horse" not in said
    assert ACCESS_KEY not in said


def test_reserved_concurrency_is_summed_over_the_functions_of_a_small_account() -> None:
    checked = stack(
        resources={
            "Gateway": function(ReservedConcurrentExecutions=3),
            "Own": function(ReservedConcurrentExecutions=4),
        },
        account_concurrency=10,
    )

    [reason] = reasons(checked, "A208")

    assert reason == (
        ": 7 executions are reserved or kept warm, most of them for Own (4); an account with a "
        "limit of 10 "
        "grants 0."
    )


def test_the_resources_that_sam_makes_are_counted() -> None:
    many = {
        f"F{number}": function(
            Role="arn:aws:iam::1:role/x",
            AutoPublishAlias="live",  # a version and an alias
            FunctionUrlConfig={"AuthType": "NONE"},  # a URL and two permissions
            Events={"A": {"Type": "Schedule"}, "B": {"Type": "Schedule"}},
        )
        for number in range(63)
    }

    assert reasons(stack(resources=many), "A116") == [
        ": the template becomes about 504 resources; CloudFormation allows 500.",
    ]


def test_a_web_socket_api_is_three_resources_a_route() -> None:
    routes: dict[str, object] = {f"route{number}": {} for number in range(250)}
    chat = resource("Serverless::WebSocketApi", Routes=routes)

    assert reasons(stack(resources={"Chat": chat}), "A116") == [
        ": the template becomes about 752 resources; CloudFormation allows 500.",
    ]


def test_what_only_cloudformation_knows_is_no_mistake() -> None:
    known = function(
        Environment={"Variables": {"TOKEN": {"Ref": "Token"}, "HOST": {"Fn::GetAtt": ["A", "B"]}}},
        Layers={"Fn::If": ["Many", [1], [2]]},
        MemorySize={"Ref": "Memory"},
        FunctionName={"Fn::ImportValue": "name"},
        Events={"A": "nonsense"},
        LoggingConfig={"LogGroup": {"Ref": "Logs"}},
    )
    parameters = {name: {"Type": "String"} for name in ("Token", "A", "Memory", "Logs")}
    checked = stack(template={"Parameters": parameters, "Resources": {"Gateway": known}})

    assert codes(checked) == set()

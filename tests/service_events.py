"""Events of services other than gateways, as these shape them.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
https://docs.aws.amazon.com/lambda/latest/dg/with-s3.html
https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
"""

from typing import Any
from urllib.parse import quote_plus

Event = dict[str, Any]


def messages(*bodies: str, queue: str = "orders", groups: tuple[str, ...] = ()) -> Event:
    """What a queue's messages arrive in; the ids of the messages are their bodies."""
    given = [*groups, *[""] * (len(bodies) - len(groups))]
    return {"Records": [_message(*one, queue) for one in zip(bodies, given, strict=True)]}


def _message(body: str, group: str, queue: str) -> Event:
    fifo = {"MessageGroupId": group, "SequenceNumber": "1"} if queue.endswith(".fifo") else {}
    return {
        "messageId": body,
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1545082649185",
            **fifo,
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:eu-central-1:123456789012:{queue}",
        "awsRegion": "eu-central-1",
    }


def notification(
    key: str = "in/a.csv",
    *,
    bucket: str = "uploads",
    name: str = "ObjectCreated:Put",
) -> Event:
    """What S3 tells of an object."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "eu-central-1",
                "eventTime": "2026-11-21T12:00:00.000Z",
                "eventName": name,
                "userIdentity": {"principalId": "AWS:AIDAINPONIXQXHT3IKHL2"},
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "828aa6fc-f7b5-4305-8584-487c791949c1",
                    "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
                    "object": {"key": quote_plus(key, safe="/"), "size": 1024},
                },
            },
        ],
    }


def bus_event(source: str = "shop", kind: str = "Paid", **detail: Any) -> Event:
    """What EventBridge passes on."""
    return {
        "version": "0",
        "id": "7bf73129-1428-4cd3-a780-95db273d1602",
        "detail-type": kind,
        "source": source,
        "account": "123456789012",
        "time": "2026-11-21T12:00:00Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": detail,
    }

from adapter.template.asynchronous import event_invoke_config, failure_queue
from adapter.template.cloudformation import GetAtt
from tests.template.plans import function


def test_nothing_is_said_where_lambdas_own_way_is_wanted() -> None:
    assert event_invoke_config(function("Model")) == {}
    assert failure_queue(function("Model")) == {}


def test_retries_and_age_are_told() -> None:
    planned = function("Model", maximum_retry_attempts=0, maximum_event_age_s=60)

    assert event_invoke_config(planned) == {
        "EventInvokeConfig": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
    }


def test_queue_that_is_asked_for_is_made_encrypted_and_keeps_what_it_can() -> None:
    planned = function("Model", on_failure="queue")

    config = event_invoke_config(planned)["EventInvokeConfig"]
    assert config["DestinationConfig"]["OnFailure"] == {
        "Type": "SQS",
        "Destination": GetAtt("ModelFailureQueue", "Arn"),
    }
    [(name, queue)] = failure_queue(planned).items()
    assert name == "ModelFailureQueue"
    assert queue["Properties"] == {
        "MessageRetentionPeriod": 1_209_600,
        "SqsManagedSseEnabled": True,
    }


def test_destination_that_exists_is_used_as_it_is() -> None:
    topic = "arn:aws:sns:eu-central-1:123456789012:failed"
    planned = function("Model", on_failure=topic)

    config = event_invoke_config(planned)["EventInvokeConfig"]
    assert config["DestinationConfig"]["OnFailure"] == {"Type": "SNS", "Destination": topic}
    assert failure_queue(planned) == {}

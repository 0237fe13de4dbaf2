import pytest

from adapter.unsupported_event import unsupported


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ({"b": 1, "a": 2}, "an object with keys ['a', 'b']."),
        ([1], "[1]."),
        (None, "None."),
        ("x" * 1000, "x...xxxxxxxxxxxxx'."),
    ],
)
def test_unsupported_event_says_what_was_found(event: object, found: str) -> None:
    message = str(unsupported(event))

    assert "this function serves HTTP events and calls" in message
    assert message.endswith(found)

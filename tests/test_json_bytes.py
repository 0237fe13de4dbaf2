import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter import json_bytes

LONG = 40_000  # characters: above the length from which on a text is written otherwise


def plainly(value: Any) -> bytes:
    """Return what the standard library writes."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def long_texts() -> st.SearchStrategy[str]:
    """Make long texts of one character, clean ones among them, around any short text."""
    return st.tuples(st.sampled_from(["x", "é", "\U0001f600", "\x7f"]), st.text(max_size=3)).map(
        lambda parts: parts[0] * LONG + parts[1] + parts[0] * LONG,
    )


def containers(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.one_of(st.text(max_size=5), st.integers(), st.none(), st.booleans())
    return st.one_of(
        st.lists(inside, max_size=4),
        st.lists(inside, max_size=2).map(tuple),
        st.dictionaries(keys, inside, max_size=4),
    )


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))


@given(st.recursive(st.one_of(SCALARS, long_texts()), containers, max_leaves=6))
def test_a_value_is_written_as_the_standard_library_writes_it(value: Any) -> None:
    assert json_bytes.dump(value) == plainly(value)


@given(long_texts(), st.sampled_from(["", '"', '"x', "\\", " ", "\n"]), st.booleans())
def test_a_long_text_is_read_as_the_standard_library_reads_it(
    text: str,
    more: str,
    escaped: bool,  # noqa: FBT001 - a value of the test
) -> None:
    written = json.dumps(text, ensure_ascii=False) if escaped else f'"{text}"'
    data = f"{written}{more}".encode("utf-8", "surrogatepass")
    try:
        expected = json.loads(data)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            json_bytes.load(data)
    else:
        assert json_bytes.load(data) == expected


@pytest.mark.parametrize("data", [b'"' * LONG, b'"' + b"\xff" * LONG + b'"', b"x" * LONG])
def test_what_is_no_long_text_is_told(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_bytes.load(data)


@pytest.mark.parametrize("number", [*range(0x80), 0x2028, 0xD800, 0xFFFF])
def test_any_character_of_a_long_text_is_escaped_as_in_a_short_one(number: int) -> None:
    text = "x" * LONG + chr(number)

    assert json_bytes.dump({"args": [text]}) == plainly({"args": [text]})
    assert json_bytes.load(json_bytes.dump(text)) == text


def test_what_cannot_be_said_beside_a_long_text_is_told() -> None:
    with pytest.raises(TypeError, match="set is not JSON serializable"):
        json_bytes.dump(["x" * LONG, {1}])


def test_a_value_that_holds_itself_beside_a_long_text_is_told() -> None:
    value: list[Any] = ["x" * LONG]
    value.append(value)

    with pytest.raises(ValueError, match="Circular reference"):
        json_bytes.dump(value)

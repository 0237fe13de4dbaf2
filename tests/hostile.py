"""Text that tries to be two log lines, or to steer the terminal that shows it."""

import re

from hypothesis import strategies as st

# Control characters but the tab, ends of lines, what turns the direction of text, half characters.
RAW = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]",
)
TABLE = {
    "carriage return": "a\rb",
    "line feed": "a\nb",
    "both": "a\r\n14:02:11.000  Gateway  GET /forged  200",
    "NUL": "a\0b",
    "bell": "a\x07b",
    "clear the screen": "a\x1b[2Jb",
    "colour": "a\x1b[31mb",
    "window title": "a\x1b]0;title\x07b",
    "clipboard": "a\x1b]52;c;Zm9yZ2Vk\x1b\\b",
    "C1 control": "a\x9b2Jb",
    "delete": "a\x7fb",
    "vertical tab and form feed": "a\x0b\x0cb",
    "separators": "a\x1c\x1d\x1eb",
    "next line": "a\x85b",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "right to left": "a\u202egnp.exe",
    "isolates": "a\u2066b\u2069",
    "marks": "a\u200e\u200f\u061cb",
    "half a character": "a\ud800b",
    "JSON": '", "forged": "',
    "format": "%s %d {0} %(name)s",
}
ANY_TEXT = st.text(
    st.one_of(st.sampled_from("".join(TABLE.values())), st.characters(codec=None)),
    max_size=40,
)


def is_one_line(text: str) -> bool:
    """Whether every reader of lines sees one line, and a terminal shows nothing else."""
    return len(text.splitlines()) <= 1 and RAW.search(text) is None

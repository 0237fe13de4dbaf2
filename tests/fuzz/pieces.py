"""Bytes in pieces, as a network brings them."""

from collections.abc import Callable

from hypothesis import strategies as st

Cut = Callable[[bytes], list[bytes]]
_MOST_SINGLE = 3_000  # bytes that come one by one; longer ones come in longer pieces


def cuts() -> st.SearchStrategy[Cut]:
    """Ways to cut bytes into pieces, some of them empty."""
    sizes = st.lists(st.integers(0, 40), min_size=1, max_size=8)
    return sizes.filter(any).map(_cutting)


def _cutting(sizes: list[int]) -> Cut:
    def cut(data: bytes) -> list[bytes]:
        longer = 1 + len(data) // _MOST_SINGLE
        found, at, number = [], 0, 0
        while at < len(data):
            size = sizes[number % len(sizes)] * longer
            found.append(data[at : at + size])
            at, number = at + size, number + 1
        return found

    return cut


def one_by_one(data: bytes) -> list[bytes]:
    """Cut into single bytes."""
    return _cutting([1])(data)

"""Strategies of which one is drawn more often: in a union each counts once."""

from typing import Any

from hypothesis import strategies as st


def mostly(
    usual: st.SearchStrategy[Any],
    *others: st.SearchStrategy[Any],
) -> st.SearchStrategy[Any]:
    """Draw from `usual` three times as often as from each of the others."""
    return st.sampled_from([usual, usual, usual, *others]).flatmap(_itself)


def _itself(chosen: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return chosen

"""What the user probably meant: the nearest known word to one that is not known."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`"; did you mean 'expect'?"`, or an empty string where nothing known is near `word`."""
    from difflib import get_close_matches  # only errors need it

    folded = {candidate.casefold(): candidate for candidate in known}
    near = get_close_matches(word[:100].casefold(), folded, n=1, cutoff=0.6)
    return f"; did you mean '{folded[near[0]]}'?" if near else ""

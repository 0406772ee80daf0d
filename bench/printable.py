"""Text of a trace made fit to be shown: a name may hold anything, a report must not break on it."""

from __future__ import annotations

import re
from typing import Final

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

_UNFIT: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # controls: a terminal obeys them, and XML 1.0 has no place for most
    "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"  # would reorder the text around
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"  # no characters
)


def printable(text: object) -> str:
    """The text on one line: tabs and line ends are blanks, what else cannot be shown is U+FFFD."""
    one_line = " ".join(str(text).split("\n")) if "\n" in str(text) else str(text)
    return _UNFIT.sub(REPLACEMENT, one_line.replace("\t", " ").replace("\r", " "))

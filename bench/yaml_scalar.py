"""What an unquoted scalar of a YAML file means: what it looks like, or nothing.

Whole numbers, decimal fractions, `true`, `false` and `null` are typed; everything else is text,
dates and times such as `2021-04-08T09:30:00Z` too. Refused, with the advice to quote it, is what
YAML 1.1 readers turn into something else (`0012` into 10, `12:30:00` into 45000, `on` into true)
or what two readers read in two ways (`1e3`, `y`).
"""

from __future__ import annotations

import re
from typing import Final

_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_LONG_WHOLE: Final = re.compile(r"-?[1-9][0-9]{18,}")
_FRACTION: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_NUMBER_LIKE: Final = re.compile(
    r"[-+]?(?:"
    r"[0-9][0-9_]*"  # 0012, 1_000, +5
    r"|0[xob][0-9a-fA-F_]+"
    r"|[0-9][0-9_]*(?::[0-9]+)+(?:\.[0-9_]*)?"  # 12:30:00
    r"|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?"  # 5. .5 1e3 1.5e+3
    r"|\.(?:inf|Inf|INF)"
    r")|\.(?:nan|NaN|NAN)",
    re.ASCII,
)
_TYPED_WORDS: Final = {"true": True, "false": False, "null": None, "": None}
_TREACHEROUS_WORDS: Final = {
    variant: meaning
    for meaning, words in (
        ("true", ("yes", "on", "y", "true")),
        ("false", ("no", "off", "n", "false")),
        ("null", ("~", "null")),
    )
    for word in words
    for variant in (word, word.capitalize(), word.upper())
    if variant not in _TYPED_WORDS
}


class Treacherous(ValueError):
    """The scalar may be read as something other than it looks like; the message says what to do."""


def plain_value(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar. Raises `Treacherous`."""
    if text in _TYPED_WORDS:
        return _TYPED_WORDS[text]
    if text[0] in "0123456789-+.":
        if _WHOLE.fullmatch(text):
            return int(text)
        if _FRACTION.fullmatch(text):
            return float(text)
        if _LONG_WHOLE.fullmatch(text):
            raise Treacherous(
                f"expected a whole number of at most 18 digits, got {shortened(text)}; if it is "
                f'text, quote it: "{shortened(text)}"'
            )
        if _NUMBER_LIKE.fullmatch(text):
            raise Treacherous(
                f"{quoted(text)} can be read as a number in more than one way; if it is text, "
                f'quote it: "{shortened(text)}"; if a number, write plain digits'
            )
    meaning = _TREACHEROUS_WORDS.get(text)
    if meaning is not None:
        raise Treacherous(
            f"{quoted(text)} reads as {meaning} in some YAML; if it is text, quote it: "
            f'"{text}"; else write {meaning}'
        )
    return text


def shortened(text: str) -> str:
    """Text for a complaint, cut where it is long."""
    return text if len(text) <= 60 else text[:57] + "…"


def quoted(text: str) -> str:
    return repr(shortened(text))

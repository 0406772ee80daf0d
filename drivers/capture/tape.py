"""Octets of a capture with what is known of each: its stamp, or the key it belongs to.

Hidden octets are not in a capture. A tape holds letters in their place, made from the key's name,
so that a message around them can still be taken apart; `Tape.shown` gives them back as hidden.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bench.units import Micros
from drivers.capture.hiding import Hidden, Segment

_LETTERS: Final = bytes(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[n % 52] for n in range(256)
)


@lru_cache(maxsize=64)
def _stand_in(name: str) -> bytes:
    return (
        hashlib.shake_128(name.encode("utf-8", "surrogatepass")).digest(4_096).translate(_LETTERS)
    )


@dataclass(frozen=True, slots=True)
class Tape:
    """`names` and `stamps` go with `octets`, place by place; a name None: the octet is known."""

    octets: bytes = b""
    names: tuple[str | None, ...] = ()
    stamps: tuple[Micros, ...] = ()

    @classmethod
    def of(cls, segments: Iterable[Segment], at: Micros) -> Tape:
        octets = bytearray()
        names: list[str | None] = []
        for segment in segments:
            if isinstance(segment, Hidden):
                octets += _stand_in(segment.reference)[: segment.length]
                names += [segment.reference] * segment.length
            else:
                octets += segment
                names += [None] * len(segment)
        return cls(bytes(octets), tuple(names), (at,) * len(octets))

    def __len__(self) -> int:
        return len(self.octets)

    def __add__(self, other: Tape) -> Tape:
        if not self.octets:
            return other
        return Tape(
            self.octets + other.octets, self.names + other.names, self.stamps + other.stamps
        )

    def cut(self, start: int, end: int | None = None) -> Tape:
        return Tape(self.octets[start:end], self.names[start:end], self.stamps[start:end])

    @property
    def hides(self) -> bool:
        """True if some octets are not known."""
        return any(name is not None for name in self.names)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """As a capture stores it; neighbouring pieces of one key are one."""
        segments: list[Segment] = []
        start = 0
        for end in range(1, len(self.octets) + 1):
            if end < len(self.octets) and self.names[end] == self.names[start]:
                continue
            name = self.names[start]
            octets = self.octets[start:end]
            segments.append(octets if name is None else Hidden(end - start, name))
            start = end
        return tuple(segments)

    def shown(self, value: bytes) -> tuple[Segment, ...]:
        """`value`, which was taken from these octets, with what is hidden in it."""
        if not self.hides:
            return (value,) if value else ()
        found = self.octets.find(value)
        first = found
        while found >= 0:
            if not any(self.names[found : found + len(value)]):
                return (value,) if value else ()
            found = self.octets.find(value, found + 1)
        if first < 0:
            return (value,)
        return self.cut(first, first + len(value)).segments


def secret_text(hidden: Hidden, unit: str = "byte") -> str:
    """`<secret 16 bytes, electricity/guek/v2>`"""
    many = "" if hidden.length == 1 else "s"
    return f"<secret {hidden.length} {unit}{many}, {fit(hidden.reference)}>"


def hex_text(segments: Iterable[Segment], between: str = "") -> str:
    """Hexadecimal digits, and in place of key material what it is."""
    return " ".join(
        secret_text(segment)
        if isinstance(segment, Hidden)
        else segment.hex(between)
        if between
        else segment.hex()
        for segment in segments
    )


def plain_text(segments: Iterable[Segment]) -> str:
    """Characters; what no terminal should obey is written as an escape."""
    return "".join(
        secret_text(segment, "character")
        if isinstance(segment, Hidden)
        else fit(segment.decode("latin-1"))
        for segment in segments
    )


def fit(text: str) -> str:
    """The text with controls and other unprintable characters escaped: a file may hold anything."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )

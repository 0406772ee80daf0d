"""Finds key material in octets that come back: an echo, a read-back, whole or in pieces.

Hidden are a secret as it was sent, as hexadecimal or base64 text of it, and what it is the text
of; and any piece of at least `_PIECE` octets (`_TEXT_PIECE` characters) of these. Shorter pieces
cannot be told from chance. A secret shorter than `_PIECE` is not looked for.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench.units import Micros

_PIECE: Final = 4
_TEXT_PIECE: Final = 8


@dataclass(frozen=True, slots=True)
class Hidden:
    """`length` octets of the key that `reference` names, or of a text of it."""

    length: int
    reference: str


Segment = bytes | Hidden


class SecretScanner:
    """Cuts learnt secrets out of a stream that arrives in any slices.

    Octets that may be the beginning of a secret are held back until that is settled.
    """

    def __init__(self) -> None:
        self._learnt: set[bytes] = set()
        self._patterns: dict[bytes, str] = {}
        self._prefixes: dict[bytes, str] = {}
        self._lengths: tuple[int, ...] = ()
        self._passed = b""  # the newest octets already given out: a match may begin in them
        self._held: list[tuple[Micros, int]] = []

    def learn(self, secret: bytes, reference: str) -> None:
        if len(secret) < _PIECE or secret in self._learnt:
            return
        self._learnt.add(secret)
        for form in _forms(secret):
            for pattern in _pieces(form):
                self._patterns.setdefault(pattern, reference)
                for end in range(1, len(pattern)):
                    self._prefixes.setdefault(pattern[:end], reference)
        self._lengths = tuple(sorted({len(pattern) for pattern in self._patterns}))

    def feed(self, data: bytes, at: Micros) -> list[tuple[Micros, Segment]]:
        """What may be shown of `data` and of what was held back, in order, with its stamps."""
        if not self._patterns:
            return [(at, data)]
        stamped = [*self._held, *((at, octet) for octet in data)]
        buffer = self._passed + bytes(octet for _, octet in stamped)
        marks = self._marks(buffer)[len(self._passed) :]
        hold = self._to_hold(buffer, len(stamped))
        free = len(stamped) - hold
        self._held = stamped[free:]
        self._remember(buffer[: len(buffer) - hold])
        return _joined(stamped[:free], marks[:free])

    def settle(self) -> list[tuple[Micros, Segment]]:
        """Gives out what is held back: hidden if it is long enough to be a piece of a secret."""
        held, self._held = self._held, []
        octets = bytes(octet for _, octet in held)
        marks = self._marks(self._passed + octets)[len(self._passed) :]
        if len(octets) >= _PIECE:
            reference = self._prefixes.get(octets)
            marks = [mark or reference for mark in marks]
        self._remember(self._passed + octets)
        return _joined(held, marks)

    def whole(self, data: bytes) -> tuple[Segment, ...]:
        """The same for octets that stand alone."""
        if not data:
            return ()
        if not self._patterns:
            return (data,)
        stamped = [(0, octet) for octet in data]
        return tuple(segment for _, segment in _joined(stamped, self._marks(data)))

    def _marks(self, buffer: bytes) -> list[str | None]:
        marks: list[str | None] = [None] * len(buffer)
        for start in range(len(buffer)):
            for length in self._lengths:
                if start + length > len(buffer):
                    break
                reference = self._patterns.get(buffer[start : start + length])
                if reference is not None:
                    marks[start : start + length] = [reference] * length
        return marks

    def _to_hold(self, buffer: bytes, at_most: int) -> int:
        for length in range(min(len(buffer), self._lengths[-1] - 1), 0, -1):
            if buffer[-length:] in self._prefixes:
                return min(length, at_most)
        return 0

    def _remember(self, passed: bytes) -> None:
        keep = self._lengths[-1] - 1 if self._lengths else 0
        self._passed = passed[-keep:] if keep else b""


def _forms(secret: bytes) -> Iterator[bytes]:
    """The secret, texts of it, and what it is a text of."""
    yield secret
    for octets in (secret, _unhexed(secret), _unbased(secret)):
        if octets is not None and len(octets) >= _PIECE:
            yield octets
            yield octets.hex().encode()
            yield octets.hex().upper().encode()
            yield octets.hex(" ").encode()
            yield octets.hex(" ").upper().encode()
            yield base64.b64encode(octets)
            yield base64.urlsafe_b64encode(octets)


def _unhexed(secret: bytes) -> bytes | None:
    try:
        return binascii.unhexlify(secret)
    except binascii.Error:
        return None


def _unbased(secret: bytes) -> bytes | None:
    try:
        return base64.b64decode(secret, validate=True)
    except binascii.Error:
        return None


def _pieces(form: bytes) -> Iterator[bytes]:
    yield form
    text = all(0x20 <= octet < 0x7F for octet in form)
    size = _TEXT_PIECE if text else _PIECE
    for start in range(len(form) - size + 1):
        piece = form[start : start + size]
        if len(set(piece)) > 1:  # a run of one octet (00000000) says nothing
            yield piece


def _joined(
    stamped: list[tuple[Micros, int]], marks: list[str | None]
) -> list[tuple[Micros, Segment]]:
    joined: list[tuple[Micros, Segment]] = []
    start = 0
    for end in range(1, len(stamped) + 1):
        same = (
            end < len(stamped)
            and marks[end] == marks[start]
            and stamped[end][0] == stamped[start][0]
        )
        if same:
            continue
        reference = marks[start]
        segment: Segment = (
            bytes(octet for _, octet in stamped[start:end])
            if reference is None
            else Hidden(end - start, reference)
        )
        joined.append((stamped[start][0], segment))
        start = end
    return joined

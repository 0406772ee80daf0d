"""Parting octets into messages, without ever refusing any.

A framer takes what one side of a port said until the other side spoke, the line changed or it was
silent for long. Every octet comes out exactly once, in order: as a message, or as damaged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from drivers.capture.messages import Decoded
from drivers.capture.tape import Tape, hex_text

Found = tuple[Tape, Decoded]
Recognised = tuple[int, Decoded]
"""How many octets a message takes, and what it is."""


class Framer(Protocol):
    """`sound`: how many messages were recognised beyond doubt; what sniffing goes by."""

    sound: int

    def part(self, tape: Tape) -> list[Found]: ...


class OctetsFramer:
    """Nothing is known: all of it is one piece."""

    sound = 0

    def part(self, tape: Tape) -> list[Found]:
        count = len(tape)
        return [(tape, Decoded("octets", "octets", f"{count} octet{'' if count == 1 else 's'}"))]


def parted(tape: Tape, at: Callable[[Tape, int], Recognised | None], form: str) -> list[Found]:
    """Messages where `at` recognises one; what lies between them is damaged."""
    found: list[Found] = []
    place = junk = 0
    while place < len(tape):
        recognised = at(tape, place)
        if recognised is None:
            place += 1
            continue
        if junk < place:
            found.append(damaged(tape.cut(junk, place), form))
        size, decoded = recognised
        found.append((tape.cut(place, place + size), decoded))
        place += size
        junk = place
    if junk < place:
        found.append(damaged(tape.cut(junk), form))
    return found


def damaged(tape: Tape, form: str) -> Found:
    """Octets that are no whole message."""
    return tape, Decoded(form, "damaged", hex_text(tape.segments), "no message, or cut off")

"""The invocation counters of a meter, in the form kept over a restart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest counter accepted from a client under a system title (hexadecimal)."""

    client: int
    title: str
    newest: int


@dataclass(frozen=True, slots=True)
class KeptCounters:
    """`next`: what the meter's next ciphered answer carries. No counter is ever used twice."""

    next: int
    seen: tuple[Seen, ...] = ()

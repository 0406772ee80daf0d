"""How a party is reached: always, if not always with an answer."""

from __future__ import annotations

from typing import Final, Protocol

from bench.clock import Clock
from bench.units import MINUTE, SECOND, Micros
from emulators.exchange import Channel

PARTY_TIMEOUT: Final = 10 * MINUTE
"""How long the S1SP waits for a party's answer. The bench's own figure; no paper gives one."""

PARTY_TAKES: Final = SECOND
"""How long a party takes over a question that it answers at once."""


class Desk(Protocol):
    """A party that is asked things."""

    @property
    def channel(self) -> Channel: ...


class _Open:
    """A desk that is always open."""

    __slots__ = ()

    def answers_at(self, now: Micros) -> Micros:
        return now


_OPEN: Final = _Open()


def channel_to_party(name: str, clock: Clock) -> Channel:
    return Channel(name, clock, PARTY_TIMEOUT, _OPEN)

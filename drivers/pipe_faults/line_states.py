"""Faults that change what the line is like, for `lasts` or for good."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

from bench.units import MILLISECOND, SECOND, Micros
from drivers.pipe_faults.registry import LineState, Strike, state_fault
from drivers.transport.line import LineSettings, Parity, as_heard

_OTHER_PARITIES: Final = {
    parity: tuple(other for other in Parity if other is not parity) for parity in Parity
}

_HEARD_BACK: Final = 30 * SECOND


class _Line:
    """A line as it should be; the states differ from it in one thing."""

    unplugged = False

    def sent(self, octets: bytes) -> bytes:
        return octets

    def received(self, octets: bytes) -> bytes:
        return octets

    def noise(self, since: Micros, until: Micros) -> list[tuple[Micros, bytes]]:
        return []

    def next_noise(self, since: Micros) -> Micros | None:
        return None


class _Broken(_Line):
    def __init__(self, begins: Micros) -> None:
        self._begins = begins

    def sent(self, octets: bytes) -> bytes:
        return b""

    def received(self, octets: bytes) -> bytes:
        return b""

    def noise(self, since: Micros, until: Micros) -> list[tuple[Micros, bytes]]:
        # A UART takes a break for one character of zeros and then waits for the line to rise.
        return [(self._begins, b"\0")] if since < self._begins <= until else []

    def next_noise(self, since: Micros) -> Micros | None:
        return self._begins if since < self._begins else None


class _SetDifferently(_Line):
    def __init__(self, own: LineSettings, device: LineSettings) -> None:
        self._own = own
        self._device = device

    def sent(self, octets: bytes) -> bytes:
        return as_heard(octets, self._own, self._device, checking=True)

    def received(self, octets: bytes) -> bytes:
        return as_heard(octets, self._device, self._own, checking=False)


class _Unplugged(_Line):
    unplugged = True

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def sent(self, octets: bytes) -> bytes:
        return octets[: self._rng.randint(0, len(octets))]

    def received(self, octets: bytes) -> bytes:
        return b""


class _Babbling(_Line):
    def __init__(self, rng: random.Random, begins: Micros) -> None:
        self._rng = rng
        self._next = begins + self._pause()

    def noise(self, since: Micros, until: Micros) -> list[tuple[Micros, bytes]]:
        bursts: list[tuple[Micros, bytes]] = []
        # What was said long before anybody listened is lost in the port's buffer anyway.
        self._next = max(self._next, until - _HEARD_BACK)
        while self._next <= until:
            bursts.append((self._next, self._rng.randbytes(self._rng.randint(1, 32))))
            self._next += self._pause()
        return bursts

    def next_noise(self, since: Micros) -> Micros | None:
        return self._next

    def _pause(self) -> Micros:
        return self._rng.randint(5 * MILLISECOND, 150 * MILLISECOND)


@state_fault()
def stuck_break(strike: Strike, begins: Micros) -> LineState:
    """The line is held low: one zero octet arrives, then nothing passes in either direction."""
    return _Broken(begins + 1)


@state_fault()
def wrong_baud(strike: Strike, begins: Micros) -> LineState:
    """The device is set to half, twice or four times the baud rate: both sides hear garbage or
    nothing.
    """
    own = strike.line
    others = [b for b in (own.baud // 2, own.baud * 2, own.baud * 4) if 50 <= b <= 4_000_000]
    return _SetDifferently(own, replace(own, baud=strike.rng.choice(others)))


@state_fault()
def wrong_parity(strike: Strike, begins: Micros) -> LineState:
    """The device is set to another parity: it drops some or all of what it hears, and what it says
    may be heard wrongly.
    """
    own = strike.line
    return _SetDifferently(own, replace(own, parity=strike.rng.choice(_OTHER_PARITIES[own.parity])))


@state_fault()
def unplugged(strike: Strike, begins: Micros) -> LineState:
    """The adapter is pulled in the middle of the request: the port is gone, and can be reopened
    once `lasts` is over.
    """
    return _Unplugged(strike.rng)


@state_fault()
def babble(strike: Strike, begins: Micros) -> LineState:
    """Something on the line talks without being asked: bursts of random octets between and inside
    the answers.
    """
    return _Babbling(strike.rng, begins)

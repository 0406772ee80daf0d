"""A UART's time where there is no UART: octets leave and arrive at the line's rate."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from bench.clock import Clock
from bench.units import MILLISECOND, Micros
from drivers.transport.line import LineSettings

GRAIN: Final = 5 * MILLISECOND
"""The longest stretch of line time that is carried as one piece."""


class PacedLane:
    """One direction. Octets handed over while others are under way queue behind them."""

    def __init__(self, clock: Clock, paced: bool, deliver: Callable[[bytes], None]) -> None:
        self._clock = clock
        self._paced = paced
        self._deliver = deliver
        self._cuts = 0
        self.free_at: Micros = 0

    def carry(self, data: bytes, line: LineSettings) -> None:
        now = self._clock.now()
        if not self._paced:
            self.free_at = now
            self._deliver(data)
            return
        at = max(now, self.free_at)
        step = max(1, GRAIN // line.span(1))
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            # Counted from the beginning, so that rounding never adds up.
            self.free_at = at + line.span(start + len(piece))
            self._clock.call_at(self.free_at, partial(self._arrive, piece, self._cuts))

    def cut(self) -> None:
        """What is under way is lost."""
        self._cuts += 1
        self.free_at = 0

    def _arrive(self, data: bytes, cuts: int) -> None:
        if cuts == self._cuts:
            self._deliver(data)

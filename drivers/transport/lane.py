"""One direction of an emulated line: octets that travel at the sender's baud rate."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bench.clock import Clock
from bench.units import Micros
from drivers.transport.line import LineSettings


class Lane:
    """Octets sent while others are still leaving queue behind them.

    They arrive through the clock's agenda, in pieces of at most `grain` of line time; not paced,
    at once and in one piece. Everything is counted from the moment the line had been free or the
    sender began, so a host that is late once is not later with every piece.
    """

    def __init__(
        self,
        clock: Clock,
        grain: Micros,
        deliver: Callable[[bytes, LineSettings, Micros], None],
    ) -> None:
        """`deliver` takes what arrived, how it was sent, and when its last octet was due."""
        self._clock = clock
        self._grain = grain
        self._deliver = deliver
        self._cuts = 0
        self.free_at: Micros = 0

    def send(
        self, data: bytes, line: LineSettings, paced: bool, since: Micros | None = None
    ) -> None:
        """`since`: when the sender began, if that was earlier than now."""
        at = max(self._clock.now() if since is None else since, self.free_at)
        step = max(1, self._grain // line.span(1)) if paced else max(1, len(data))
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            # Counted from the beginning, so that rounding never adds up.
            arrival = at + (line.span(start + len(piece)) if paced else 0)
            self.free_at = arrival
            self._clock.call_at(arrival, partial(self._arrive, piece, line, arrival, self._cuts))

    def cut(self) -> None:
        """What is under way is lost."""
        self._cuts += 1
        self.free_at = 0

    def _arrive(self, data: bytes, line: LineSettings, at: Micros, cuts: int) -> None:
        if cuts == self._cuts:
            self._deliver(data, line, at)

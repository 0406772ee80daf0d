"""The contactor of an electricity meter, or the valve of a gas meter."""

from __future__ import annotations

from bench.devices import SupplyState
from bench.units import Micros
from emulators.models.kept import NEWEST, KeptSupply, Span


class SupplySwitch:
    """Keeps every interruption it made. Mains that fail outside the meter are not its doing."""

    __slots__ = ("_outages", "state")

    def __init__(self) -> None:
        self.state = SupplyState.ON
        self._outages: list[tuple[Micros, Micros | None]] = []

    def interrupt(self, now: Micros) -> None:
        if self.state is SupplyState.ON:
            self._outages.append((now, None))
        self.state = SupplyState.OFF

    def restore(self, now: Micros) -> None:
        if self.state is not SupplyState.ON:
            self._outages[-1] = (self._outages[-1][0], now)
        self.state = SupplyState.ON

    def kept(self) -> KeptSupply:
        return KeptSupply(self.state, tuple(Span(*outage) for outage in self._outages[-NEWEST:]))

    def recall(self, kept: KeptSupply) -> None:
        self.state = kept.state
        self._outages = [(span.since, span.until) for span in kept.outages]

    @property
    def outages(self) -> tuple[tuple[Micros, Micros | None], ...]:
        """Spans during which the supply was off, oldest first; the last may still be open."""
        return tuple(self._outages)

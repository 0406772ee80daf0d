"""Watches one meter's supply and registers from the reference meter's own port, all the while.

On a clock that waits it samples on a thread of its own, so that it also sees what happens during a
request to the meter; on a virtual clock the agenda does it. Nothing it does reaches the meter.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from bench.clock import Clock, VirtualClock
from bench.conduct.breach import Breach
from bench.devices import Measurement, RegisterReading
from bench.errors import BenchError
from bench.invariant import Invariant
from bench.units import MINUTE, Micros

_MAINS: Final = Decimal(50)
_STEPS: Final = Decimal("0.004")
_SHARE: Final = Decimal("0.03")
_EVERY: Final = 5 * MINUTE


class SupplyWatch:
    """`samples`: what was measured, oldest first. `fault`: why the kit gave nothing any more."""

    def __init__(self, device: str, measure: Callable[[], Measurement], clock: Clock) -> None:
        self.device = device
        self.samples: list[Measurement] = []
        self.fault: BenchError | None = None
        self._measure = measure
        self._clock = clock
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Raises `BenchError` where the reference meter gives nothing from the beginning."""
        self.samples.append(self._measure())
        if isinstance(self._clock, VirtualClock):
            self._clock.call_at(self._clock.now() + _EVERY, self._by_agenda)
        else:
            self._thread = threading.Thread(target=self._by_thread, name="supply watch")
            self._thread.start()

    def end(self) -> None:
        """The last sample. Safe to repeat."""
        if not self._over.is_set():
            self._over.set()
            if self._thread is not None:
                self._thread.join()
            self._sample()

    def breaches(self, readings: Sequence[RegisterReading]) -> Iterator[Breach]:
        """What the reference meter saw of the supply, and of what should have been counted.

        Where nothing was drawn at first there is nothing by which an interruption could be told.
        """
        drawn = [each.power_w > 0 for each in self.samples if each.voltage_v > _MAINS]
        if drawn and drawn[0] and not all(drawn):
            off = next(s for s in self.samples if s.voltage_v > _MAINS and s.power_w <= 0)
            detail = "with mains on its feed nothing was drawn any more"
            yield Breach(self.device, Invariant.SUPPLY, detail, off.measured_at)
        if len(readings) > 1:
            yield from self._count(readings[0], readings[-1])

    def _count(self, first: RegisterReading, last: RegisterReading) -> Iterator[Breach]:
        measured = self._energy_at(last.source_at) - self._energy_at(first.source_at)
        counted = last.values[0][1] - first.values[0][1]
        uncertainty = max(sample.uncertainty for sample in self.samples)
        if abs(counted - measured) > _STEPS + measured * (uncertainty + _SHARE):
            detail = f"it counted {counted} kWh, the reference meter {measured} kWh"
            yield Breach(self.device, Invariant.MISCOUNTED, detail, last.read_at)

    def _energy_at(self, at: Micros) -> Decimal:
        return min(self.samples, key=lambda sample: abs(sample.measured_at - at)).energy_kwh

    def _by_agenda(self) -> None:
        if not self._over.is_set():
            self._sample()
            self._clock.call_at(self._clock.now() + _EVERY, self._by_agenda)

    def _by_thread(self) -> None:
        while not self._over.wait(1) and self.fault is None:
            self._sample()

    def _sample(self) -> None:
        try:
            self.samples.append(self._measure())
        except BenchError as error:
            self.fault = error

"""A device's own clock: an offset and a drift against the true time."""

from __future__ import annotations

from typing import Final

from bench.clock import Clock
from bench.units import Micros
from emulators.models.kept import KeptClock

_MILLION: Final = 1_000_000


class DeviceClock:
    """Shows `shown_then + elapsed × (1 + drift)`; whole microseconds, so drift never accumulates
    rounding.
    """

    __slots__ = ("_clock", "_drift_ppm", "_set_at", "_shown_then")

    def __init__(self, clock: Clock, drift_ppm: int) -> None:
        self._clock = clock
        self._drift_ppm = drift_ppm
        self._set_at = self._shown_then = clock.now()

    @property
    def drift_ppm(self) -> int:
        """Parts per million the clock runs fast."""
        return self._drift_ppm

    def read(self) -> Micros:
        elapsed = self._clock.now() - self._set_at
        return self._shown_then + elapsed + elapsed * self._drift_ppm // _MILLION

    def set(self, to: Micros) -> None:
        self._shown_then = to
        self._set_at = self._clock.now()

    def step(self, by: Micros) -> None:
        """Jumps forward (or back, if negative), as after a bad time synchronisation."""
        self._shown_then += by

    def run_at(self, drift_ppm: int) -> None:
        """Changes the drift from now on; what the clock shows does not jump."""
        self.set(self.read())
        self._drift_ppm = drift_ppm

    def kept(self) -> KeptClock:
        return KeptClock(self._set_at, self._shown_then, self._drift_ppm)

    def recall(self, kept: KeptClock) -> None:
        """It went on meanwhile."""
        self._set_at, self._shown_then = kept.at, kept.shown
        self._drift_ppm = kept.drift_ppm

    def reset_to_epoch(self) -> None:
        """Shows 1970-01-01T00:00:00Z, as a device does whose clock lost its backup."""
        self.set(0)

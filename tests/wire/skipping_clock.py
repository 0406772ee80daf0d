"""For conformance over a pty: waiting for an answer takes its time, sleeping takes none."""

from __future__ import annotations

from bench.clock import Cancellation, WallClock
from bench.units import Micros


class SkippingClock(WallClock):
    """The wall clock, but whoever sleeps is at once where he wanted to be.

    What is due meanwhile happens in its order, so an emulated hour passes as it should.
    """

    def sleep_until(self, at: Micros, cancellation: Cancellation | None = None) -> None:
        with self._condition:
            while (due := self._agenda.next_due()) is not None and due <= at:
                self._skip_to(due)
                self._agenda.pop()()
            self._skip_to(at)
            self._condition.notify_all()

    def _skip_to(self, at: Micros) -> None:
        self._offset_ns += max(0, at - self.now()) * 1000

"""For conformance over a pty: waiting for an answer takes its time, sleeping takes none."""

from __future__ import annotations

import time
from typing import Final

from bench.clock import Cancellation, WallClock
from bench.units import Micros, parse_instant

_START: Final = parse_instant("2021-04-08T09:30:00Z")


class SkippingClock(WallClock):
    """The wall clock, but whoever sleeps is at once where he wanted to be.

    What is due meanwhile happens in its order, so an emulated hour passes as it should. Every clock
    begins at the same moment: when a sleepy meter wakes must not depend on when the test runs.
    """

    def __init__(self) -> None:
        super().__init__()
        self._offset_ns = _START * 1000 - time.monotonic_ns()

    def sleep_until(self, at: Micros, cancellation: Cancellation | None = None) -> None:
        with self._condition:
            while (due := self._agenda.next_due()) is not None and due <= at:
                self._skip_to(due)
                self._agenda.pop()()
            self._skip_to(at)
            self._condition.notify_all()

    def _skip_to(self, at: Micros) -> None:
        self._offset_ns += max(0, at - self.now()) * 1000

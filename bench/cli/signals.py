"""Ctrl-C and SIGTERM as a cancellation, so that what is under way ends in order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from bench.clock import Cancellation


@contextmanager
def cancelled_by_signals() -> Iterator[Cancellation]:
    """Both stop the run at the next effect, so that what is done is kept."""
    cancellation = Cancellation()

    def stop(number: int, frame: FrameType | None) -> None:
        cancellation.cancel(signal.Signals(number).name)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield cancellation
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

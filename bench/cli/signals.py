"""What ends a command as a cancellation, so that what is under way ends in order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from bench.clock import Cancellation

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, an end asked for by another program, a terminal or connection that was closed."""


@contextmanager
def ended_by_signals(stop: Callable[[str], None]) -> Iterator[None]:
    """`stop` gets the signal's name. One that was ignored stays ignored, such as SIGHUP by nohup."""

    def told(number: int, frame: FrameType | None) -> None:
        stop(signal.Signals(number).name)

    heard = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, told) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def cancelled_by_signals() -> Iterator[Cancellation]:
    """They stop the run at the next effect, so that what is done is kept."""
    cancellation = Cancellation()
    with ended_by_signals(cancellation.cancel):
        yield cancellation

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
    """`stop` gets the signal's name. Under nohup SIGHUP stays ignored; a script's background jobs
    ignore Ctrl-C, and an interrupt sent to one of ours still ends it.
    """

    def told(number: int, frame: FrameType | None) -> None:
        stop(signal.Signals(number).name)

    heard = set(_ENDING)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        heard.remove(signal.SIGHUP)
    before = {number: signal.signal(number, told) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ended_as_by_ctrl_c() -> Iterator[None]:
    """For work that stops where it is: each of the signals raises KeyboardInterrupt."""

    def interrupt(name: str) -> None:
        raise KeyboardInterrupt

    with ended_by_signals(interrupt):
        yield


@contextmanager
def interrupted_by_ctrl_c() -> Iterator[None]:
    """Within `ended_by_signals`, while somebody is asked: Ctrl-C is the answer."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def cancelled_by_signals() -> Iterator[Cancellation]:
    """They stop the run at the next effect, so that what is done is kept."""
    cancellation = Cancellation()
    with ended_by_signals(cancellation.cancel):
        yield cancellation

"""Faults of the bench itself: what goes wrong on this side, for which no device may be blamed.

Each stands before a part that the bench is handed (its clock's stamps, the writer of its trace, its
relay board) and does as that part until it strikes. `bench.bench_faults` puts those that a scenario
names into their places; a test in Python calls them. That of the serial adapter is a fault of the
pipe (`unplugged`), in front of emulated and of real kit.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from bench.clock_evidence import Stamp
from bench.devices import PowerSwitch
from bench.errors import RelayStuck
from bench.units import Micros

T = TypeVar("T")
_NANOSECONDS: Final = 1000


def bench_clock_step(
    stamp: Callable[[], Stamp], by: Micros, struck: Callable[[], bool]
) -> Callable[[], Stamp]:
    """The time of day of the bench's own machine is set by `by`, or an hour forward if none is
    given, while a scenario runs.

    Gives the source of stamps that `bench.timekeeping.Timekeeper` takes: true until `struck`.
    """

    def stepped() -> Stamp:
        true = stamp()
        step = by * _NANOSECONDS if struck() else 0
        return Stamp(true.utc + step, true.monotonic)

    return stepped


def disk_full(write: Callable[[T], None], due: Callable[[T], bool]) -> Callable[[T], None]:
    """There is no room on the disk for the run's trace: writing it fails as the system says.

    Gives the writer that fails with what is `due` (`OSError`, no space left) and writes the rest.
    """

    def written(what: T) -> None:
        if due(what):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(what)

    return written


def relay_stuck(board: PowerSwitch, channel: int, struck: Callable[[], bool]) -> PowerSwitch:
    """A contact of the bench's relay board stays where it is, whatever its coil is told.

    Gives the board as it then reads back: `RelayStuck`, as its driver raises.
    """
    return _Stuck(board, channel, struck)


class _Stuck:
    def __init__(self, board: PowerSwitch, channel: int, struck: Callable[[], bool]) -> None:
        self._board = board
        self._channel = channel
        self._struck = struck

    def set_channel(self, channel: int, *, closed: bool) -> None:
        if channel != self._channel or not self._struck():
            self._board.set_channel(channel, closed=closed)
        elif self._board.channel_closed(channel) is not closed:
            wanted, is_ = ("closed", "open") if closed else ("open", "closed")
            raise RelayStuck(
                f"relay board: channel {channel} was told to be {wanted} and reads back {is_}",
                hint="the scenario's fault relay-stuck does this",
            )

    def channel_closed(self, channel: int) -> bool:
        return self._board.channel_closed(channel)


BENCH_FAULTS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "bench-clock-step": bench_clock_step,
        "disk-full": disk_full,
        "relay-stuck": relay_stuck,
    }
)
"""Every fault of the bench by its name."""

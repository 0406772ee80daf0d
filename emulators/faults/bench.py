"""Faults of the bench itself: what goes wrong on this side, for which no device may be blamed.

Each strikes a part of the bench that it is handed, from Python; what a suite describes is the
installation, so none of them can stand in one. That of the serial adapter is a fault of the pipe
(`unplugged`), in front of emulated and of real kit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from bench.clock_evidence import Stamp
from bench.units import Micros
from emulators.models.relay_board import RelayBoard

_FULL: Final = Path("/dev/full")
_NANOSECONDS: Final = 1000


def bench_clock_step(stamp: Callable[[], Stamp], by: Micros) -> Callable[[], Stamp]:
    """The time of day of the bench's own machine is set by `by` while a scenario runs.

    Gives the source of stamps that `bench.timekeeping.Timekeeper` takes: true at first, `by` off
    from the second time on.
    """
    asked = 0

    def stepped() -> Stamp:
        nonlocal asked
        asked += 1
        true = stamp()
        step = by * _NANOSECONDS if asked > 1 else 0
        return Stamp(true.utc + step, true.monotonic)

    return stepped


def disk_full(folder: Path, name: str) -> None:
    """There is no room on the disk for a file of the run: writing it fails as the system says.

    `name`: of the file in the run's folder, such as `trace.jsonl`; it must not exist yet.
    """
    (folder / name).symlink_to(_FULL)


def relay_stuck(board: RelayBoard, channel: int) -> Callable[[], None]:
    """A contact of the relay board stays where it is, whatever its coil is told.

    Gives back what frees it.
    """
    board.stick(channel)
    return lambda: board.free(channel)


BENCH_FAULTS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "bench-clock-step": bench_clock_step,
        "disk-full": disk_full,
        "relay-stuck": relay_stuck,
    }
)
"""Every fault of the bench by its name."""

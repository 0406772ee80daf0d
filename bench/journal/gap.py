"""A span in which the bench was down, and what it makes of the times around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bench.clock_evidence import kernel_synchronisation
from bench.errors import BenchError
from bench.journal.moment import Moment
from bench.units import SECOND, Micros, format_instant

STEP: Final = SECOND
"""UTC and the monotonic clock may differ by this much over a gap; by more, UTC was set anew."""


@dataclass(frozen=True, slots=True)
class Gap:
    """`outages`: what must be said of the span in the trace (`bench`, `clock`); empty: nothing,
    for no due time passed in it and the clock is proven.
    """

    start: Micros
    end: Micros
    outages: tuple[str, ...]


def gap_between(last: Moment, now: Moment, *, due: Micros | None, synchronised: bool) -> Gap:
    """What the span from the last entry to the resumption means.

    `due`: until when the run was only waiting; None where it was in the middle of something, so
    that nobody can say what was due. Within one boot UTC is proven by the monotonic clock, across
    a reboot by `synchronised` alone. Raises `BenchError` where the clock has gone back.
    """
    if now.at < last.at:
        raise BenchError(
            f"the clock says {format_instant(now.at)}, and the journal ends at "
            f"{format_instant(last.at)}: it has gone back",
            hint="set the system's clock right, then resume again",
        )
    if now.boot == last.boot and now.boot != "unknown":
        passed = now.monotonic - last.monotonic
        proven = abs((now.at - last.at) - passed) <= STEP
    else:
        proven = synchronised
    outages = []
    if due is None or due < now.at or not proven:
        outages.append("bench")
    if not proven:
        outages.append("clock")
    return Gap(last.at, now.at, tuple(outages))


def clock_is_synchronised() -> bool:
    """Whether the kernel says that its clock is held to UTC; not knowing is no."""
    told = kernel_synchronisation()
    return told is not None and told.held

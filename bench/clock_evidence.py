"""How good the clock was that waits were measured with, and what that leaves uncertain.

A wait is the difference of two stamps of one clock. What can be wrong with it:

- each stamp comes late, by up to what a timer of this machine was seen to be late, and is rounded
  to the clock's resolution;
- the clock's rate is off. A clock that the kernel holds in step with UTC is off by no more than
  the kernel's own bound (`maxerror`, which grows between two corrections) at each end, nor by
  more than its fastest correction; one that is not held in step by the tolerance of its quartz,
  which is assumed;
- the clock stood still or was set: time of day and monotonic clock then no longer agree, which is
  looked at afterwards, and makes every wait of that span inconclusive.

A virtual clock has none of this: it is right by construction.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from bench.clock import Clock
from bench.units import MILLISECOND, SECOND, Micros

QUARTZ_PPM: Final = 100
"""Assumed of the quartz of a PC that nothing holds in step."""

SLEW_PPM: Final = 500
"""The kernel's fastest correction, and how fast `maxerror` grows between two of them."""

BETWEEN_CORRECTIONS: Final[Micros] = 2048 * SECOND
"""The longest time between two corrections that NTP clients take by default."""

SAMPLES: Final = 40
NAP: Final[Micros] = 2 * MILLISECOND

_UNSYNCHRONISED: Final = 0x0040
_NANOSECONDS: Final = 1000


@dataclass(frozen=True, slots=True)
class Synchronisation:
    """What the kernel says of its clock. `max_error`: its bound on the distance from UTC."""

    held: bool
    max_error: Micros


@dataclass(frozen=True, slots=True)
class Stamp:
    """Time of day and monotonic clock, read together; nanoseconds."""

    utc: int
    monotonic: int


@dataclass(frozen=True, slots=True)
class Lateness:
    """Of timers that were waited for."""

    samples: int
    p50: Micros
    p99: Micros
    max: Micros


@dataclass(frozen=True, slots=True)
class ClockEvidence:
    """What was found when a run began. `synchronisation` None: the system does not tell."""

    mode: str
    lateness: Lateness
    resolution: Micros
    synchronisation: Synchronisation | None

    def uncertainty(self, span: Micros) -> Micros:
        """Of a wait of that length, from above."""
        if self.mode == "virtual":
            return 0
        return 2 * (self.lateness.max + self.resolution) + self._rate(span)

    def _rate(self, span: Micros) -> Micros:
        told = self.synchronisation
        if told is None or not told.held:
            return _part(span, QUARTZ_PPM)
        ends = 2 * (told.max_error + _part(BETWEEN_CORRECTIONS, SLEW_PPM))
        return min(ends, _part(span, SLEW_PPM))

    def as_json(self) -> dict[str, Any]:
        """As `clock.json` has it; spans in microseconds."""
        return asdict(self)


VIRTUAL: Final = ClockEvidence("virtual", Lateness(0, 0, 0, 0), 0, None)


def measured(
    clock: Clock,
    *,
    samples: int = SAMPLES,
    synchronisation: Callable[[], Synchronisation | None] | None = None,
) -> ClockEvidence:
    """Waits for a few timers, which takes about a tenth of a second, and asks the kernel."""
    if clock.mode == "virtual":
        return VIRTUAL
    late = sorted(_lateness(clock) for _ in range(samples))
    ask = kernel_synchronisation if synchronisation is None else synchronisation
    return ClockEvidence(
        clock.mode,
        Lateness(samples, percentile(late, 50), percentile(late, 99), late[-1]),
        max(1, round(time.get_clock_info("monotonic").resolution * SECOND)),
        ask(),
    )


def _lateness(clock: Clock) -> Micros:
    due = clock.now() + NAP
    clock.sleep_until(due)
    return max(0, clock.now() - due)


def percentile(in_order: list[Micros], percent: int) -> Micros:
    """The smallest value that so many percent of the values do not exceed."""
    return in_order[max(0, -(-len(in_order) * percent // 100) - 1)]


def system_stamp() -> Stamp:
    """Read between two readings of the other clock, of which the middle is taken."""
    before = time.monotonic_ns()
    utc = time.time_ns()
    return Stamp(utc, (before + time.monotonic_ns()) // 2)


def disagreement(began: Stamp, ended: Stamp) -> Micros:
    """By how much time of day and monotonic clock ran apart meanwhile; negative: time of day lost.

    Somebody set the clock, or the machine slept.
    """
    apart = (ended.utc - began.utc) - (ended.monotonic - began.monotonic)
    return round(apart / _NANOSECONDS)


def kernel_synchronisation() -> Synchronisation | None:
    """What Linux says of its clock (adjtimex); None where it does not say."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError, TypeError):
        return None
    state = _Timex()
    if adjtimex(ctypes.byref(state)) < 0:
        return None
    held = not state.status & _UNSYNCHRONISED
    return Synchronisation(held, int(state.maxerror))


class _Timex(ctypes.Structure):
    """`struct timex` of Linux; with `modes` 0 it is read and nothing is set."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time", ctypes.c_long * 2),
        ("tick", ctypes.c_long),
        ("rest", ctypes.c_long * 24),
    )


def _part(span: Micros, ppm: int) -> Micros:
    """So many millionths of the span, rounded up."""
    return -(-span * ppm // 1_000_000)

"""What a span in which the bench was down means for the times around it."""

from __future__ import annotations

import pytest

from bench.errors import BenchError
from bench.journal.gap import Gap, gap_between
from bench.journal.moment import Moment
from bench.units import HOUR, SECOND

T = 1_800_000_000 * SECOND
LAST = Moment(T, 500 * SECOND, "boot-1")


def later(span: int, *, boot: str = "boot-1", utc_off: int = 0) -> Moment:
    return Moment(T + span + utc_off, 500 * SECOND + span, boot)


# (what, the moment of resumption, due, synchronised, outages)
BOTH = ("bench", "clock")

CASES = [
    ("waited on: not due yet", later(HOUR), T + 2 * HOUR, False, ()),
    ("due just now", later(HOUR), T + HOUR, False, ()),
    ("due while down", later(HOUR), T + HOUR - 1, False, ("bench",)),
    ("in the middle of an act", later(SECOND), None, False, ("bench",)),
    ("clock set on by an hour", later(SECOND, utc_off=HOUR), T + 9 * HOUR, True, BOTH),
    ("clock off by a second", later(HOUR, utc_off=SECOND), T + 2 * HOUR, False, ()),
    ("clock off by more", later(HOUR, utc_off=SECOND + 1), T + 2 * HOUR, False, BOTH),
    ("rebooted, clock held", later(HOUR, boot="boot-2"), T + 2 * HOUR, True, ()),
    ("rebooted, clock held, due", later(HOUR, boot="boot-2"), T + 1, True, ("bench",)),
    ("rebooted, clock unproven", later(HOUR, boot="boot-2"), T + 2 * HOUR, False, BOTH),
    ("boot not told", later(HOUR, boot="unknown"), T + 2 * HOUR, False, BOTH),
]


@pytest.mark.parametrize(
    ("now", "due", "synchronised", "outages"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_a_gap(now: Moment, due: int | None, synchronised: bool, outages: tuple[str, ...]) -> None:
    gap = gap_between(LAST, now, due=due, synchronised=synchronised)
    assert gap == Gap(T, now.at, outages)


def test_a_clock_that_has_gone_back_is_refused() -> None:
    with pytest.raises(BenchError, match="it has gone back"):
        gap_between(LAST, later(0, utc_off=-1), due=None, synchronised=True)

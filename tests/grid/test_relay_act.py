"""Switching mains, under every schedule of fates of its messages: what is believed is so.

The relay board's truth is the emulated meter's own: it has mains or it has none. Up to two fates in
CI; `SMETS1_BENCH_FATES=3` takes three, as `make prove` does.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, product

from bench.errors import BenchError, PeerError
from drivers.pipe_faults.modbus_speech import ModbusSpeech
from drivers.pipe_faults.plan import FaultPlan, PipeFaultSpec, PipeMoment
from tests.drivers.test_modbus_kit import Rack

FATES = {
    "request lost": ("request-lost", None),
    "reply lost": ("no-reply", None),
    "reply garbled": ("bits-flipped", None),
    "reply past later ones": ("reply-late", 3_000_000),
    "another answer": ("valid-answer-to-another-question", None),
}
AT_ONCE = int(os.environ.get("SMETS1_BENCH_FATES", "2"))
MESSAGES = 7
"""As many as the two calls make when everything goes wrong; a later fate strikes nothing."""

Schedule = tuple[tuple[int, str], ...]


def schedules() -> Iterator[Schedule]:
    for number in range(AT_ONCE + 1):
        for places in combinations(range(1, MESSAGES + 1), number):
            for fates in product(FATES, repeat=number):
                yield tuple(zip(places, fates, strict=True))


def believed_and_so(schedule: Schedule) -> tuple[str, bool]:
    """Cuts the meter's mains and restores them; how that ended, and whether it was so each time."""
    specs = []
    for message, fate in schedule:
        fault, lasts = FATES[fate]
        specs.append(PipeFaultSpec(fault, PipeMoment(nth=message), lasts=lasts))
    rack = Rack(plan=FaultPlan(tuple(specs), ModbusSpeech()), seed=1)
    meter = rack.home.electricity
    for closed in (False, True):
        try:
            rack.board.set_channel(1, closed=closed)
        except (BenchError, PeerError) as error:
            return type(error).__name__, True  # it says that it does not know
        if meter.powered is not closed:
            return f"believed {'on' if closed else 'off'}", False
    return "switched", True


def test_no_schedule_leads_to_a_wrong_belief_about_the_mains() -> None:
    ends: Counter[str] = Counter()
    wrong: list[Schedule] = []
    for schedule in schedules():
        end, so = believed_and_so(schedule)
        ends[end] += 1
        if not so:
            wrong.append(schedule)
    print(f"{sum(ends.values())} schedules of at most {AT_ONCE} fates: {dict(ends)}")
    assert wrong == []
    assert ends["switched"] > sum(ends.values()) / 2, "most doubts are settled"

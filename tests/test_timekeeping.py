"""What is known of the clock gets into the trace, and from there into verdicts."""

from __future__ import annotations

import pytest

from bench.clock import VirtualClock, WallClock
from bench.clock_evidence import ClockEvidence, Lateness, Stamp
from bench.conformance.checker import Checker
from bench.mehrs.loader import load_strategy
from bench.parties import Group
from bench.timekeeping import Timekeeper, judged_spans
from bench.trace import Attempt, Closed, Event, Opened, Outage
from bench.units import DAY, HOUR, MINUTE, SECOND, Micros

STRATEGY = load_strategy("5.0", "4.0")
SPANS = {"3.4.1.wait": 4 * HOUR, "3.3.interval": MINUTE}
LATE = ClockEvidence("wall", Lateness(40, 1, 1, 5 * SECOND), 1, None)


@pytest.mark.parametrize(
    ("group", "longest"),
    [(Group.IOC, 48 * HOUR), (Group.DA, 24 * HOUR), (Group.EA, 4 * HOUR)],
)
def test_the_longest_span_a_rule_judges(group: Group, longest: Micros) -> None:
    spans = judged_spans(STRATEGY, group)
    assert max(spans.values()) == longest


def keeper(*apart: Micros, evidence: ClockEvidence = LATE) -> Timekeeper:
    """`apart`: how far time of day has run from the monotonic clock, each time it is looked at."""
    stamps = [Stamp(gone * 1000, 0) for gone in (0, *apart)]
    return Timekeeper(WallClock(), SPANS, measure=lambda _: evidence, stamp=lambda: stamps.pop(0))


def opened(at: Micros = 0) -> Opened:
    return Opened(at=at, installation="I", group="EA")


CLOSED = Closed(at=DAY, installation="I", outcome="commissioned")
U = LATE.uncertainty(4 * HOUR)


def test_each_passage_opens_with_the_uncertainty() -> None:
    kept = keeper(0)
    seen = kept.seen(opened())
    assert isinstance(seen, Opened)
    assert round(seen.uncertainty_s * SECOND) == kept.uncertainty == U
    assert kept.seen(CLOSED) is CLOSED
    assert kept.outage(CLOSED) is None


def test_a_virtual_clock_changes_nothing() -> None:
    kept = Timekeeper(VirtualClock(0), SPANS)
    event = opened()
    assert kept.seen(event) is event
    assert kept.outage(CLOSED) is None
    assert kept.as_json() is None


def test_each_wait_has_its_own_uncertainty() -> None:
    kept = keeper(0)
    assert kept.of_waits == {name: LATE.uncertainty(span) for name, span in SPANS.items()}
    said = kept.as_json()
    assert said is not None
    assert said["waits"]["3.3.interval"] == {"limit": MINUTE, "uncertainty": 10_006_002}
    assert kept.of_waits["3.3.interval"] < kept.of_waits["3.4.1.wait"] == kept.uncertainty


def test_a_worse_clock_of_an_earlier_process_counts_too() -> None:
    kept = keeper(0)
    kept.widen({"3.4.1.wait": U + 5, "3.3.interval": 0})
    assert kept.of_waits == {"3.4.1.wait": U + 5, "3.3.interval": LATE.uncertainty(MINUTE)}
    assert kept.uncertainty == U + 5


@pytest.mark.parametrize(("apart", "found"), [(U, False), (-U, False), (U + 1, True), (-DAY, True)])
def test_a_clock_that_was_set_is_an_outage(apart: Micros, found: bool) -> None:
    kept = keeper(apart)
    kept.seen(opened(MINUTE))
    outage = kept.outage(CLOSED)
    assert (outage is not None) is found
    if outage is not None:
        assert (outage.from_, outage.to, outage.of) == (MINUTE, DAY, "clock")
        said = kept.as_json()
        assert said is not None
        assert said["ran_apart"] == apart


def verdicts(wait: Micros, *more: Event, uncertainty: Micros) -> dict[str, int]:
    checker = Checker(STRATEGY)
    events = [
        Opened(at=0, installation="I", group="EA", uncertainty_s=uncertainty / SECOND),
        Attempt(at=HOUR, installation="I", section="3.4.1", number=1, outcome="failed"),
        Attempt(at=HOUR + wait, installation="I", section="3.4.1", number=2, outcome="succeeded"),
        Closed(at=DAY, installation="I", outcome="commissioned"),
        *more,
    ]
    for line, event in enumerate(events, 1):
        checker.feed(event, line)
    return checker.finish().rules["3.4.1-wait"].as_json()


@pytest.mark.parametrize(
    ("off", "uncertainty", "verdict"),
    [
        (60 * SECOND, 0, "passed"),
        (60 * SECOND + 1, 0, "failed"),
        (60 * SECOND - U, U, "passed"),
        (60 * SECOND - U + 1, U, "inconclusive"),
        (60 * SECOND + U, U, "inconclusive"),
        (60 * SECOND + U + 1, U, "failed"),
        (0, 61 * SECOND, "inconclusive"),
    ],
)
def test_a_wait_within_the_uncertainty_of_its_limit_is_inconclusive(
    off: Micros, uncertainty: Micros, verdict: str
) -> None:
    for wait in (4 * HOUR + off, 4 * HOUR - off):
        assert verdicts(wait, uncertainty=uncertainty)[verdict] == 1


def test_what_was_measured_by_a_clock_that_was_set_is_inconclusive() -> None:
    kept = keeper(DAY)
    kept.seen(opened())
    outage = kept.outage(CLOSED)
    assert isinstance(outage, Outage)
    assert verdicts(4 * HOUR, outage, uncertainty=0)["inconclusive"] == 1
    assert verdicts(4 * HOUR, uncertainty=0)["passed"] == 1

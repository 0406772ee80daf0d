"""Judging time: tolerance, clock uncertainty, limits reached exactly, outages."""

import pytest

from bench.conformance.facts import Out
from bench.conformance.timing import FAIL, INCONCLUSIVE, PASS, Outages, Timing
from bench.units import SECOND
from bench.verdict import Verdict

T, U, LIMIT = 60 * SECOND, 10 * SECOND, 3600 * SECOND


@pytest.mark.parametrize(
    ("off", "verdict"),
    [
        (0, PASS),
        (T - U, PASS),
        (T - U + 1, INCONCLUSIVE),
        (T + U, INCONCLUSIVE),
        (T + U + 1, FAIL),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("exclusive", [False, True])
def test_wait(off: int, verdict: Verdict, sign: int, exclusive: bool) -> None:
    assert Timing(T, U, exclusive).wait(LIMIT + sign * off, LIMIT) is verdict


def test_a_clock_worse_than_the_tolerance_passes_no_wait() -> None:
    timing = Timing(T, 2 * T)
    assert timing.wait(LIMIT, LIMIT) is INCONCLUSIVE
    assert timing.wait(LIMIT + 3 * T + 1, LIMIT) is FAIL


# How far beyond the limit, and what it is called if the limit is inclusive, exclusive.
EDGES = [
    (-U - 1, PASS, PASS),
    (-U, PASS, INCONCLUSIVE),
    (-U + 1, INCONCLUSIVE, INCONCLUSIVE),
    (U - 1, INCONCLUSIVE, INCONCLUSIVE),
    (U, INCONCLUSIVE, FAIL),
    (U + 1, FAIL, FAIL),
]


@pytest.mark.parametrize(("beyond", "inclusive", "exclusive"), EDGES)
def test_deadline_and_fit_have_no_tolerance_and_a_period_has_it_on_one_side(
    beyond: int, inclusive: Verdict, exclusive: Verdict
) -> None:
    for timing, verdict in ((Timing(T, U), inclusive), (Timing(T, U, True), exclusive)):
        assert timing.in_time(LIMIT + beyond, LIMIT) is verdict
        assert timing.fits(LIMIT + beyond, LIMIT) is verdict
        assert timing.within_period(LIMIT + T + beyond, LIMIT) is verdict


def test_without_uncertainty_a_limit_reached_exactly_is_decided_by_the_boundary() -> None:
    assert Timing(T, 0).in_time(LIMIT, LIMIT) is PASS
    assert Timing(T, 0, True).in_time(LIMIT, LIMIT) is FAIL


def outages(*spans: tuple[int, int, bool]) -> Outages:
    return Outages(Out(0, 0, 0, start, end, blind) for start, end, blind in spans)


@pytest.mark.parametrize(
    ("start", "end", "spoilt"),
    [
        (0, 10, False),  # touches at the end
        (20, 30, False),  # touches at the start
        (0, 11, True),
        (19, 30, True),
        (12, 13, True),
        (0, 99, True),
        (15, 15, True),
        (10, 10, False),
        (20, 20, False),
    ],
)
def test_overlap(start: int, end: int, spoilt: bool) -> None:
    assert outages((10, 20, True)).spoil(start, end) is spoilt


def test_a_clock_outage_spoils_times_and_hides_nothing() -> None:
    clock, log = outages((10, 20, False)), outages((10, 20, True))
    assert (clock.spoil(0, 15), clock.could_hide(0, 15), clock.could_hide_after(0)) == (
        True,
        False,
        False,
    )
    assert (log.could_hide(0, 15), log.could_hide_after(19), log.could_hide_after(20)) == (
        True,
        True,
        False,
    )


def test_outages_may_come_in_any_order_nest_overlap_and_touch() -> None:
    found = outages((30, 40, True), (0, 20, True), (5, 10, True), (15, 25, True), (25, 30, True))
    for moment in (25, 30):
        assert not found.spoil(moment, moment)
    for start in range(40):
        assert found.spoil(start, start + 1)
    assert not found.spoil(40, 50)
    assert not found.spoil(-10, 0)

"""How uncertain a wait is by the clock it was measured with, and what then becomes of verdicts."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clock import VirtualClock, WallClock
from bench.clock_evidence import (
    BETWEEN_CORRECTIONS,
    VIRTUAL,
    ClockEvidence,
    Lateness,
    Stamp,
    Synchronisation,
    disagreement,
    kernel_synchronisation,
    measured,
    percentile,
    system_stamp,
)
from bench.units import HOUR, MILLISECOND, SECOND, Micros

HELD = Synchronisation(True, 5 * MILLISECOND)
FREE = Synchronisation(False, 16 * SECOND)

SPANS = st.integers(0, 1000 * HOUR)


def evidence(told: Synchronisation | None, late: Micros = 200) -> ClockEvidence:
    return ClockEvidence("wall", Lateness(40, 100, late, late), 1, told)


def test_a_virtual_clock_is_right() -> None:
    assert measured(VirtualClock(0)) is VIRTUAL
    assert VIRTUAL.uncertainty(48 * HOUR) == 0


@pytest.mark.parametrize(
    ("told", "span", "expected"),
    [
        (None, 0, 402),
        (None, 4 * HOUR, 402 + 1_440_000),
        (FREE, 48 * HOUR, 402 + 17_280_000),
        (HELD, SECOND, 402 + 500),
        (HELD, 4 * HOUR, 402 + 2 * (5_000 + 1_024_000)),
        (HELD, 480 * HOUR, 402 + 2 * (5_000 + 1_024_000)),
    ],
)
def test_uncertainty_of_a_span(
    told: Synchronisation | None, span: Micros, expected: Micros
) -> None:
    """Late to the start and to the end, each rounded; then 100 ppm, or what the kernel bounds."""
    assert evidence(told).uncertainty(span) == expected


@given(span=SPANS, more=SPANS, late=st.integers(0, SECOND), held=st.booleans())
def test_it_never_falls_with_the_span(span: Micros, more: Micros, late: Micros, held: bool) -> None:
    found = evidence(HELD if held else FREE, late)
    assert found.uncertainty(span) <= found.uncertainty(span + more)
    assert found.uncertainty(span) >= 2 * late


class LateClock:
    """A wall clock in fiction whose timers fire late by the numbers given, one after another."""

    mode = "wall"

    def __init__(self, *late: Micros) -> None:
        self._now = 0
        self._late = list(late)

    def now(self) -> Micros:
        return self._now

    def sleep_until(self, at: Micros, cancellation: object = None) -> None:
        self._now = at + self._late.pop(0)


def test_lateness_is_what_the_timers_show() -> None:
    late = [*range(99, 0, -1), 5000]
    found = measured(LateClock(*late), samples=100, synchronisation=lambda: HELD)  # type: ignore[arg-type]
    assert found.lateness == Lateness(100, 50, 99, 5000)
    assert found.synchronisation == HELD
    assert found.as_json()["lateness"] == {"samples": 100, "p50": 50, "p99": 99, "max": 5000}


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 10), (1, 10), (50, 20), (67, 30), (99, 30), (100, 30)]
)
def test_percentiles(percent: int, expected: int) -> None:
    assert percentile([10, 20, 30], percent) == expected


def test_this_machine_tells_something() -> None:
    found = measured(WallClock(), samples=3)
    assert 0 <= found.lateness.p50 <= found.lateness.p99 <= found.lateness.max
    assert found.resolution >= 1
    assert found.uncertainty(HOUR) > 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has adjtimex")
def test_the_kernel_says_how_its_clock_is_held() -> None:
    told = kernel_synchronisation()
    assert told is not None
    assert 0 <= told.max_error <= BETWEEN_CORRECTIONS


@pytest.mark.parametrize(
    ("utc", "monotonic", "apart"),
    [(10**9, 10**9, 0), (3 * 10**9, 10**9, 2 * SECOND), (0, 10**9, -SECOND), (1499, 0, 1)],
)
def test_a_clock_that_was_set_or_stood_still(utc: int, monotonic: int, apart: Micros) -> None:
    began = Stamp(5 * 10**18, 7)
    assert disagreement(began, Stamp(began.utc + utc, began.monotonic + monotonic)) == apart


def test_the_two_clocks_of_this_machine_run_together() -> None:
    began = system_stamp()
    assert abs(disagreement(began, system_stamp())) < SECOND

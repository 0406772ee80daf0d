"""Registers as closed-form integrals: exact, monotone, and falling only by a fault."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.units import DAY, HOUR, parse_instant
from emulators.models.registers import ELECTRICITY, GAS, Fuel, Register

START = parse_instant("2021-04-08T09:30:00Z")
SPANS = st.integers(0, 40 * DAY)


@pytest.mark.parametrize(("fuel", "a_day"), [(ELECTRICITY, 24_000), (GAS, 24_000 * 10 // 112)])
def test_a_day_at_a_mean_load_of_1_kw(fuel: Fuel, a_day: int) -> None:
    register = Register(fuel, 5_000, 1000, START)
    assert register.steps(START) == 5_000
    assert register.steps(START + DAY) == 5_000 + a_day
    assert register.value(START) == Decimal("5.000")


def test_the_load_follows_the_hours_of_the_day() -> None:
    midnight = parse_instant("2021-04-08T00:00:00Z")
    register = Register(ELECTRICITY, 0, 1000, midnight)
    night = register.steps(midnight + 5 * HOUR)
    evening = register.steps(midnight + 20 * HOUR) - register.steps(midnight + 18 * HOUR)
    assert night == 500 + 450 + 400 + 400 + 400
    assert evening == 2000 + 1850


@given(st.lists(SPANS, max_size=30), st.integers(0, 5000), st.sampled_from([ELECTRICITY, GAS]))
def test_never_falls_whatever_the_times(spans: list[int], load: int, fuel: Fuel) -> None:
    register = Register(fuel, 1, load, START)
    moments = sorted(START - DAY + span for span in spans)
    shown = [register.steps(at) for at in moments]
    assert shown == sorted(shown)
    assert [register.steps(at) for at in moments] == shown, "reading changes nothing"


@given(st.lists(st.tuples(st.booleans(), SPANS), max_size=12), st.integers(1, 5000))
def test_consumption_counts_exactly_while_it_runs(
    changes: list[tuple[bool, int]], load: int
) -> None:
    register = Register(ELECTRICITY, 0, load, START)
    whole = Register(ELECTRICITY, 0, load, START)
    now, running, used = START, True, 0
    history = []
    for turn, span in changes:
        register.run(now, running=turn)
        running = turn
        before = whole.steps(now)
        now += span
        used += whole.steps(now) - before if running else 0
        history.append((now, register.steps(now)))
    # Each span read on its own rounds by less than one step.
    assert abs(register.steps(now) - used) <= len(changes)
    assert [register.steps(at) for at, _ in history] == [shown for _, shown in history]


def test_a_lost_register_says_so_for_good() -> None:
    register = Register(ELECTRICITY, 7_000, 500, START)
    assert not register.fell
    register.lose(START + HOUR)
    assert register.steps(START + HOUR) == 0
    assert register.steps(START) == 7_000
    assert register.steps(START + 100 * DAY) > 7_000
    assert register.fell

"""The engine's retry schedule: what every policy keeps, whatever the attempts take."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.mehrs.loader import load_strategy
from bench.mehrs.retry import (
    SECTIONS,
    Attempt,
    GiveUp,
    NextAttempt,
    PeriodPolicy,
    RepeatPolicy,
    RetryPolicy,
    RetrySchedule,
    retry_policy,
)
from bench.units import HOUR, MINUTE, SECOND, Micros, parse_instant

START = parse_instant("2021-04-30T08:00:00Z")

LONG = PeriodPolicy(
    "3.1",
    short_wait=5 * MINUTE,
    short_attempts=3,
    long_wait=30 * MINUTE,
    period=48 * HOUR,
    from_first_attempt=True,
    inclusive=True,
    from_end=True,
)
FIVE = RepeatPolicy("3.4.1", wait=4 * HOUR, attempts=6, from_end=True)


def run_out(
    policy: RetryPolicy, takes: list[Micros], lag: Micros = 0
) -> tuple[list[Attempt], GiveUp]:
    """Every attempt fails and takes the next of `takes`, in turn; each starts `lag` late."""
    schedule = RetrySchedule(policy)
    attempts: list[Attempt] = []
    answer: NextAttempt | GiveUp = schedule.first(START)
    while isinstance(answer, NextAttempt):
        started = answer.at + lag
        ended = started + takes[len(attempts) % len(takes)]
        attempts.append(Attempt(answer.number, answer.phase, started, ended))
        answer = schedule.after(attempts)
    return attempts, answer


def test_the_policies_of_the_shipped_version() -> None:
    strategy = load_strategy()
    assert retry_policy(strategy, "3.4.1") == FIVE
    assert retry_policy(strategy, "3.1") == replace(
        LONG, short_attempts=4, placeholders=("3.1.short-interval", "3.1.short-repeats")
    )
    assert retry_policy(strategy, "3.3") == RepeatPolicy(
        "3.3", 30 * MINUTE, 4, True, ("3.3.interval", "3.3.repeats")
    )
    assert retry_policy(strategy, "3.2") == RepeatPolicy(
        "3.2", 30 * MINUTE, 6, True, ("3.2.interval", "3.2.repeats")
    )
    with pytest.raises(KeyError):
        retry_policy(load_strategy("2.0"), "3.4.1")
    with pytest.raises(KeyError):
        retry_policy(load_strategy("2.0"), "3.3")


@pytest.mark.parametrize(
    ("counting", "repeats", "attempts"),
    [("repeats", 5, 6), ("attempts", 5, 5), ("repeats-of-retry", 5, 7), ("attempts", 0, 1),
     ("repeats", 0, 1), ("repeats-of-retry", 0, 2)],
)  # fmt: skip
def test_the_counting_readings(tmp_path: Path, counting: str, repeats: int, attempts: int) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(
        'overlay: x\napplies-to: "5.0"\nparameters:\n'
        f"  3.4.1.counting: {{value: {counting}, source: x}}\n"
        f"  3.4.1.repeats: {{value: {repeats}, source: x}}\n",
        encoding="utf-8",
    )
    policy = retry_policy(load_strategy(overlay=overlay), "3.4.1")
    assert isinstance(policy, RepeatPolicy)
    made, _ = run_out(policy, [SECOND])
    assert len(made) == policy.attempts == attempts


def test_the_readings_reach_the_policy(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(
        'overlay: x\napplies-to: "5.0"\nparameters:\n'
        "  boundary: {value: exclusive, source: x}\n"
        "  3.1.period-from: {value: first-long, source: x}\n"
        "  3.x.measured-from: {value: start, source: x}\n"
        "  3.1.short-repeats: {value: 2, source: x}\n",
        encoding="utf-8",
    )
    strategy = load_strategy(overlay=overlay)
    assert retry_policy(strategy, "3.1") == replace(
        LONG,
        inclusive=False,
        from_first_attempt=False,
        from_end=False,
        placeholders=("3.1.short-interval",),
    )
    assert not retry_policy(strategy, "3.2").from_end


def test_five_repeats_four_hours_apart() -> None:
    made, end = run_out(FIVE, [MINUTE])
    assert [attempt.started - START for attempt in made] == [
        number * (4 * HOUR + MINUTE) for number in range(6)
    ]
    assert end.reason == (
        "section 3.4.1 allows 6 attempts in all (5 repeats after the first), and 6 were made"
    )


def test_short_then_long_until_the_period_is_over() -> None:
    made, end = run_out(LONG, [0])
    assert [attempt.phase for attempt in made[:5]] == ["short", "short", "short", "long", "long"]
    assert [(attempt.started - START) // MINUTE for attempt in made[:5]] == [0, 5, 10, 40, 70]
    assert (made[-1].started - START) // MINUTE == 10 + 95 * 30  # 47 h 40 min
    assert end.reason == (
        "the 48 h total period would be exceeded: next attempt due 2021-05-02T08:10:00Z, period "
        "ends 2021-05-02T08:00:00Z"
    )


@pytest.mark.parametrize(("inclusive", "attempts"), [(True, 5), (False, 4)])
def test_the_end_of_the_period_reached_exactly(inclusive: bool, attempts: int) -> None:
    policy = replace(LONG, short_attempts=1, period=2 * HOUR, inclusive=inclusive)
    made, end = run_out(policy, [0])
    assert len(made) == attempts
    assert ("reached is too late" in end.reason) == (not inclusive)


def test_the_period_from_the_first_long_attempt() -> None:
    policy = replace(LONG, period=HOUR, from_first_attempt=False)
    made, _ = run_out(policy, [0])
    assert [(attempt.started - START) // MINUTE for attempt in made] == [0, 5, 10, 40, 70, 100]
    made, _ = run_out(replace(policy, from_first_attempt=True), [0])
    assert [(attempt.started - START) // MINUTE for attempt in made] == [0, 5, 10, 40]


def test_measured_from_the_start() -> None:
    made, _ = run_out(replace(FIVE, from_end=False), [HOUR, 5 * HOUR])
    assert [(attempt.started - START) // HOUR for attempt in made] == [0, 4, 9, 13, 18, 22]


def test_a_placeholder_is_named_when_it_ends_the_retry() -> None:
    _, end = run_out(retry_policy(load_strategy(), "3.3"), [0])
    assert end.reason.endswith(
        "4 were made (on placeholders, not on known values: 3.3.interval, 3.3.repeats)"
    )


def test_a_single_attempt_is_told_in_the_singular() -> None:
    _, end = run_out(replace(FIVE, attempts=1), [0])
    assert end.reason == (
        "section 3.4.1 allows 1 attempt in all (0 repeats after the first), and 1 was made"
    )


@pytest.mark.parametrize(
    ("attempts", "complaint"),
    [
        ([], "at least one attempt"),
        ([Attempt(2, None, 0, 1)], "expected attempt 1, got attempt 2"),
        ([Attempt(1, None, 0, 1), Attempt(3, None, 2, 3)], "expected attempt 2, got attempt 3"),
        ([Attempt(1, None, 2, 1)], "ends before it starts"),
        ([Attempt(1, None, 0, 5), Attempt(2, None, 4, 6)], "before the one before it ended"),
    ],
)
def test_what_is_no_chain_of_attempts(attempts: list[Attempt], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        RetrySchedule(FIVE).after(attempts)


spans = st.integers(1, 6 * HOUR)
takes = st.lists(st.integers(0, 3 * HOUR), min_size=1, max_size=5)
lags = st.integers(0, HOUR)
repeat_policies = st.builds(
    RepeatPolicy,
    section=st.sampled_from(["3.2", "3.3", "3.4.1"]),
    wait=spans,
    attempts=st.integers(1, 20),
    from_end=st.booleans(),
)
period_policies = st.builds(
    PeriodPolicy,
    section=st.just("3.1"),
    short_wait=spans,
    short_attempts=st.integers(1, 5),
    long_wait=st.integers(30 * MINUTE, 6 * HOUR),
    period=st.integers(1, 24 * HOUR),
    from_first_attempt=st.booleans(),
    inclusive=st.booleans(),
    from_end=st.booleans(),
)


@given(repeat_policies | period_policies, takes, lags)
def test_no_attempt_is_skipped_early_or_out_of_order(
    policy: RetryPolicy, takes: list[Micros], lag: Micros
) -> None:
    made, _ = run_out(policy, takes, lag)
    assert [attempt.number for attempt in made] == list(range(1, len(made) + 1))
    for before, after in pairwise(made):
        if isinstance(policy, RepeatPolicy):
            wait = policy.wait
        else:
            wait = policy.short_wait if after.phase == "short" else policy.long_wait
        earliest = before.ended + wait if policy.from_end else before.started + wait
        assert after.started >= before.ended
        assert after.started == max(earliest, before.ended) + lag


@given(repeat_policies, takes)
def test_repeats_are_all_made_and_no_more(policy: RepeatPolicy, takes: list[Micros]) -> None:
    made, _ = run_out(policy, takes)
    assert len(made) == policy.attempts
    assert {attempt.phase for attempt in made} == {None}


@given(period_policies, takes)
def test_the_period_is_kept_and_used_up(policy: PeriodPolicy, takes: list[Micros]) -> None:
    made, end = run_out(policy, takes)
    phases = [attempt.phase for attempt in made]
    assert phases.count("short") <= policy.short_attempts
    assert set(phases[: phases.count("short")]) == {"short"}  # and long ones after
    if "long" in phases:
        assert phases.count("short") == policy.short_attempts
    long = [attempt for attempt in made if attempt.phase == "long"]
    first = made[0] if policy.from_first_attempt else long[0]
    ends = first.ended + policy.period
    counted = made if policy.from_first_attempt else long
    for attempt in counted[1:]:
        assert attempt.started <= ends if policy.inclusive else attempt.started < ends
    wait = policy.long_wait if len(made) >= policy.short_attempts else policy.short_wait
    due = made[-1].ended + wait
    assert due > ends or (due == ends and not policy.inclusive)
    assert "total period would be" in end.reason


@given(repeat_policies | period_policies, takes, st.integers(1, 30))
def test_the_same_attempts_give_the_same_answer(
    policy: RetryPolicy, takes: list[Micros], cut: int
) -> None:
    made, end = run_out(policy, takes)
    schedule = RetrySchedule(policy)
    assert schedule.after(made) == schedule.after(tuple(made)) == end
    part = made[:cut]
    if len(part) < len(made):
        answer = schedule.after(part)
        following = made[len(part)]
        assert answer == NextAttempt(following.number, following.phase, following.started)


def test_every_section_has_a_policy() -> None:
    strategy = load_strategy()
    assert [retry_policy(strategy, section).section for section in SECTIONS] == list(SECTIONS)

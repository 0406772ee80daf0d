"""What one installation adds to the counts, read off its events as from any trace."""

from __future__ import annotations

from typing import Final

from bench.campaign.drawing import Drawn
from bench.campaign.playing import BENCH_ERROR, Played
from bench.campaign.tally import STEP, Tally, day_of
from bench.trace import Attempt, Closed, Event, Opened, Report, Step

NONE: Final = "none"
"""Stands for installations for which no condition holds."""

LONGEST: Final = "longest"
MOST_ATTEMPTS: Final = "most attempts"
MOST_WAKE_UPS: Final = "most wake-ups"
PARKED: Final = "parked"
BROKEN_RULES: Final = "rules failed"


def count_in(tally: Tally, drawn: Drawn, played: Played, events: list[Event]) -> None:
    """Adds one installation; `events` is its whole trace."""
    totals = tally.totals
    attempts: dict[str, int] = {}
    failures: set[tuple[str, str]] = set()
    reports: set[str] = set()
    passages = 0
    long = trouble = False
    for event in events:
        kind = type(event)
        if kind is Step:
            assert isinstance(event, Step)
            if event.outcome == "failed":
                failures.add((event.section, event.code or ""))
        elif kind is Attempt:
            assert isinstance(event, Attempt)
            section = event.section
            attempts[section] = attempts.get(section, 0) + 1
            if section == "3.3":
                trouble = trouble or event.outcome != "succeeded"
            else:
                long = long or event.phase == "long" or (section == "3.4.1" and event.number > 1)
        elif kind is Opened:
            passages += 1
            day = day_of(event.at)
            (tally.opened if passages == 1 else tally.reopened)[day] += 1
        elif kind is Closed:
            tally.closed[day_of(event.at)] += 1
        elif kind is Report:
            assert isinstance(event, Report)
            reports.add(event.code or "")
    number, name = drawn.number, drawn.installation.name
    made = sum(attempts.values())
    span = events[-1].at - events[0].at
    totals["installations"] += 1
    totals["events"] += len(events)
    totals["passages"] += passages
    totals["attempts"] += made
    totals["wake-ups"] += played.wake_ups
    if played.gave_up:
        totals["given-up"] += 1
    if long:
        totals["in-long-retries"] += 1
    if trouble:
        totals["trouble-in-key-rotation"] += 1
    outcome = played.outcome
    tally.outcomes[drawn.installation.group.value, outcome] += 1
    for condition in drawn.conditions or (NONE,):
        tally.conditions[condition, outcome] += 1
    tally.failures.update(failures)
    tally.reports.update(reports)
    for section, count in attempts.items():
        tally.attempts[section, count] += 1
    tally.spans[-(-span // STEP)] += 1
    tally.passages[passages] += 1
    tally.wake_ups[played.wake_ups] += 1
    tally.notice(LONGEST, (span, number, name))
    tally.notice(MOST_ATTEMPTS, (made, number, name))
    if played.wake_ups:
        tally.notice(MOST_WAKE_UPS, (played.wake_ups, number, name))
    if outcome == "parked":
        tally.notice(PARKED, (span, number, name))
    elif outcome == BENCH_ERROR:
        totals[BENCH_ERROR] += 1
        tally.notice(BENCH_ERROR, (1, number, name))

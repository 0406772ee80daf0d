"""Section 3: how long is retried, and whether the retry was given up too early.

Periods and persistence run from and to the `at` of attempts. Giving up is judged for the last chain
of its section, operation and device, where the passage closed `failed`, the chain never succeeded
and its last failure could have been mended by another try.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bench.conformance.facts import Ended, Tried
from bench.conformance.limits import Limits
from bench.conformance.passage import Passage
from bench.conformance.rule import Outcome, rule
from bench.conformance.timing import FAIL, INCONCLUSIVE, PASS, Timing
from bench.conformance.waits import chains_of, most_attempts
from bench.conformance.wording import said, times
from bench.units import Micros, format_instant


class _Period(NamedTuple):
    start: Tried
    end: Micros


def _period(chain: list[Tried], limits: Limits) -> _Period | None:
    """From the first attempt, or the first long one, for the total period.

    None where it is unknown (no first attempt was seen, the period is unsourced) or, read from the
    first long attempt, has not begun.
    """
    total = limits.number("3.1.total-period")
    if chain[0].number != 1 or total is None:
        return None
    if limits.reads("3.1.period-from", "first-long"):
        first = next((tried for tried in chain if tried.long), None)
    else:
        first = chain[0]
    return None if first is None else _Period(first, first.at + total)


@rule("3.1-total-period")
def total_period(passage: Passage, limits: Limits) -> list[Outcome]:
    """3.1 [S row 4]: no long attempt starts later than the total period after the first attempt.

    The latest long attempt that no outage separates from the first tells whether the rule is
    broken; any behind an outage leaves it inconclusive.
    """
    total = limits.number("3.1.total-period")
    timing = Timing(limits.tolerance, passage.uncertainty, limits.exclusive)
    outcomes = []
    for chain in chains_of(passage, "3.1"):
        longs = [tried for tried in chain if tried.long]
        if not longs:
            continue
        period = _period(chain, limits)
        verdict = INCONCLUSIVE if period is None else PASS
        shown = max(longs, key=_started)
        if period is not None:
            spoil = passage.blackouts.spoil
            for tried in longs:
                if passage.outages and spoil(period.start.at, tried.started):
                    judged = INCONCLUSIVE
                else:
                    judged = timing.within_period(tried.started, period.end)
                if judged > verdict:
                    verdict, shown = judged, tried
        start = chain[0] if period is None else period.start
        outcomes.append(
            Outcome(
                verdict,
                tuple(dict.fromkeys((start.where, shown.where))),
                "unsourced" if total is None else f"no start later than {said(total)}",
                f"a start {said(shown.started - start.at)} after the first attempt",
                _PERIOD_SAYS[verdict],
                subject=chain[0].where,
            )
        )
    return outcomes


def _started(tried: Tried) -> Micros:
    return tried.started


_PERIOD_SAYS = {
    PASS: "Every long attempt starts within the total period.",
    INCONCLUSIVE: "The total period cannot be judged: its start was not seen, the clock is not"
    " certain enough, an outage lies within it, or the strategy has no source for it.",
    FAIL: "A long attempt starts after the total period.",
}


def _given_up(passage: Passage, section: str) -> Iterator[tuple[list[Tried], Ended]]:
    """The chains that are judged for giving up, each with the close."""
    ended = passage.ended
    if ended is None or ended.outcome != "failed":
        return
    for key, chains in passage.chains.items():
        if key[0] == section:
            chain = chains[-1]
            if chain[-1].retryable and not any(tried.succeeded for tried in chain):
                yield chain, ended


@rule("3.1-persistence")
def ioc_persistence(passage: Passage, limits: Limits) -> list[Outcome]:
    """3.1 [S row 4]: not given up while another long attempt still fitted in the period."""
    interval, total = limits.number("3.1.long-interval"), limits.number("3.1.total-period")
    timing = Timing(limits.tolerance, passage.uncertainty, limits.exclusive)
    outcomes = []
    for chain, ended in _given_up(passage, "3.1"):
        last = chain[-1]
        if chain[0].number != 1 or interval is None or total is None:
            verdict, expected = INCONCLUSIVE, "attempts until the total period is over"
        else:
            period = _period(chain, limits)
            if period is None:
                # Read from the first long attempt, and there was none: all of it was left.
                verdict, expected = FAIL, "long attempts until the total period is over"
            else:
                fitted = timing.fits(last.at + interval, period.end)
                verdict = {PASS: FAIL, FAIL: PASS}.get(fitted, INCONCLUSIVE)
                if passage.blackouts.spoil(period.start.at, last.at):
                    verdict = INCONCLUSIVE
                expected = f"attempts until {format_instant(period.end)}"
            if verdict is FAIL and passage.blackouts.could_hide(last.at, ended.at):
                verdict = INCONCLUSIVE
        outcomes.append(
            Outcome(
                verdict,
                (last.where, ended.where),
                expected,
                f"the last attempt at {format_instant(last.at)}, then closed failed",
                _GIVEN_UP[verdict],
                subject=chain[0].where,
            )
        )
    return outcomes


@rule("3.4.1-persistence")
def ea_persistence(passage: Passage, limits: Limits) -> list[Outcome]:
    """3.4.1 [C s5]: not given up before all repeats were made; the highest number counts."""
    most = most_attempts(limits)
    outcomes = []
    for chain, ended in _given_up(passage, "3.4.1"):
        last = chain[-1]
        if chain[0].number != 1 or most is None:
            verdict = INCONCLUSIVE
        elif last.number >= most:
            verdict = PASS
        elif passage.blackouts.could_hide(last.at, ended.at):
            verdict = INCONCLUSIVE
        else:
            verdict = FAIL
        outcomes.append(
            Outcome(
                verdict,
                (last.where, ended.where),
                "unsourced" if most is None else times(most, "attempt"),
                f"{times(last.number, 'attempt')}, then closed failed",
                _GIVEN_UP[verdict],
                subject=chain[0].where,
            )
        )
    return outcomes


_GIVEN_UP = {
    PASS: "The retry went on for as long as the strategy says.",
    INCONCLUSIVE: "Whether the retry was given up too early cannot be judged: its start was not"
    " seen, a later attempt could lie in an outage, the clock is not certain enough, or the"
    " strategy has no source for it.",
    FAIL: "The retry was given up while the strategy asks for another attempt.",
}

"""Section 3: how long is waited between attempts, and how often is repeated.

The wait before an attempt runs from the `at` of the one before to its `started`, or under
`3.x.measured-from: start` from the one's `started`. A chain with many bad waits gives one outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.conformance.facts import Tried
from bench.conformance.limits import Limits
from bench.conformance.passage import Passage
from bench.conformance.rule import Outcome, rule
from bench.conformance.timing import FAIL, INCONCLUSIVE, PASS, Timing
from bench.conformance.wording import around, said, times
from bench.units import Micros
from bench.verdict import Verdict

_LINES = 10
"""How many lines of bad waits are named."""


def chains_of(passage: Passage, section: str) -> Iterator[list[Tried]]:
    """Every chain of the section in the passage."""
    for key, chains in passage.chains.items():
        if key[0] == section:
            yield from chains


@dataclass(slots=True)
class _Waits:
    """The waits of one chain, judged: the worst verdict and what shows it."""

    verdict: Verdict
    judged: int
    bad: list[tuple[Micros, Tried, Tried]]
    shortest: Micros
    longest: Micros

    @property
    def where(self) -> tuple[int, ...]:
        lines = dict.fromkeys(tried.where for _, *pair in self.bad[: _LINES // 2] for tried in pair)
        return tuple(lines)

    @property
    def observed(self) -> str:
        waits = [waited for waited, _, _ in self.bad]
        low, high = (min(waits), max(waits)) if waits else (self.shortest, self.longest)
        spread = said(low) if low == high else f"{said(low)} to {said(high)}"
        if waits and self.judged > 1:
            return f"{spread} in {len(waits)} of {times(self.judged, 'wait')}"
        return spread


def _judge_waits(
    chain: Sequence[Tried], limit: Micros | None, passage: Passage, limits: Limits, *, long: bool
) -> _Waits | None:
    """Every wait between consecutive attempts (`long`: both long) against `limit`.

    None where there are no two such. An unsourced limit leaves every wait inconclusive, and so
    does a skipped number or an outage in between.
    """
    timing = Timing(limits.tolerance, passage.uncertainty)
    from_start = limits.reads("3.x.measured-from", "start")
    spoil = passage.blackouts.spoil if passage.outages else None
    worst = PASS
    judged = 0
    bad: list[tuple[Micros, Tried, Tried]] = []
    shortest = longest = -1
    before = chain[0]
    for tried in chain[1:]:
        if long and not (tried.long and before.long):
            before = tried
            continue
        start = before.started if from_start else before.at
        waited = tried.started - start
        if (
            limit is None
            or tried.number != before.number + 1
            or (spoil is not None and spoil(min(start, tried.started), max(start, tried.started)))
        ):
            verdict = INCONCLUSIVE
        else:
            verdict = timing.wait(waited, limit)
        if verdict > worst:
            worst = verdict
            bad.clear()
        if verdict is worst and verdict is not PASS:
            bad.append((waited, before, tried))
        shortest = waited if judged == 0 else min(shortest, waited)
        longest = max(longest, waited)
        judged += 1
        before = tried
    return _Waits(worst, judged, bad, shortest, longest) if judged else None


def _wait_rule(
    section: str, parameter: str, passage: Passage, limits: Limits, *, long: bool = False
) -> list[Outcome]:
    limit = limits.number(parameter)
    outcomes = []
    for chain in chains_of(passage, section):
        waits = _judge_waits(chain, limit, passage, limits, long=long)
        if waits is None:
            continue
        outcomes.append(
            Outcome(
                waits.verdict,
                waits.where or _ends(chain),
                "unsourced" if limit is None else around(limit, limits.tolerance),
                waits.observed,
                _WAITED[waits.verdict],
                subject=chain[0].where,
            )
        )
    return outcomes


_WAITED = {
    PASS: "Every wait is as long as the strategy says.",
    INCONCLUSIVE: "A wait cannot be judged: it lies within the uncertainty of the clock, spans an"
    " outage or a skipped number, or the strategy has no source for its length.",
    FAIL: "The wait before an attempt is not as long as the strategy says.",
}


def _ends(chain: Sequence[Tried]) -> tuple[int, ...]:
    return chain[0].where, chain[-1].where


def _retry_rule(
    section: str, interval: str, repeats: str, passage: Passage, limits: Limits
) -> list[Outcome]:
    """Each wait is the interval and there are no more repeats than given.

    A repeat is any attempt after the first. With half of the parameters it can fail, not pass.
    """
    wait_limit, most = limits.number(interval), limits.number(repeats)
    expected = ", ".join(
        (
            "interval unsourced" if wait_limit is None else around(wait_limit, limits.tolerance),
            "repeats unsourced" if most is None else f"at most {times(most, 'repeat')}",
        )
    )
    outcomes = []
    for chain in chains_of(passage, section):
        waits = _judge_waits(chain, wait_limit, passage, limits, long=False)
        if waits is None:
            continue
        made = chain[-1].number - 1
        too_many = most is not None and made > most
        verdict = FAIL if too_many else waits.verdict
        if verdict is PASS and most is None:
            verdict = INCONCLUSIVE
        if too_many and waits.verdict is not FAIL:
            message, where = "There are more repeats than the strategy gives.", _ends(chain)
        elif verdict is INCONCLUSIVE and (wait_limit is None or most is None):
            where = _ends(chain)
            message = "The strategy has no source for the interval or the number of repeats."
        else:
            message, where = _WAITED[verdict], waits.where or _ends(chain)
        observed = f"{waits.observed}, {times(made, 'repeat')}"
        outcomes.append(
            Outcome(verdict, where, expected, observed, message, subject=chain[0].where)
        )
    return outcomes


@rule("3.1-long-interval")
def long_interval(passage: Passage, limits: Limits) -> list[Outcome]:
    """3.1 [S row 4]: the wait between two consecutive long attempts is the long interval."""
    return _wait_rule("3.1", "3.1.long-interval", passage, limits, long=True)


@rule("3.2-retry")
def mds_retry(passage: Passage, limits: Limits) -> list[Outcome]:
    """3.2: the MDS retry; its numbers are not public."""
    return _retry_rule("3.2", "3.2.interval", "3.2.repeats", passage, limits)


@rule("3.3-sua-retry")
def sua_retry(passage: Passage, limits: Limits) -> list[Outcome]:
    """3.3 [S row 17]: the retry of SUA key rotation; its numbers are not public."""
    return _retry_rule("3.3", "3.3.interval", "3.3.repeats", passage, limits)


@rule("3.4.1-wait")
def ea_wait(passage: Passage, limits: Limits) -> list[Outcome]:
    """3.4.1 [C s5]: the wait between two consecutive attempts is the strategy's."""
    return _wait_rule("3.4.1", "3.4.1.wait", passage, limits)


def most_attempts(limits: Limits) -> int | None:
    """The number of the last attempt that 3.4.1 allows, counted as `3.4.1.counting` says."""
    repeats = limits.number("3.4.1.repeats")
    if repeats is None:
        return None
    if limits.reads("3.4.1.counting", "attempts"):
        return repeats
    return repeats + (2 if limits.reads("3.4.1.counting", "repeats-of-retry") else 1)


@rule("3.4.1-repeats")
def ea_repeats(passage: Passage, limits: Limits) -> list[Outcome]:
    """3.4.1 [C s5]: no more repeats than the strategy's; the highest number counts."""
    most = most_attempts(limits)
    outcomes = []
    for chain in chains_of(passage, "3.4.1"):
        if len(chain) < 2:
            continue
        made = chain[-1].number
        if most is None:
            verdict, expected, message = INCONCLUSIVE, "unsourced", _NO_COUNT
        else:
            verdict = FAIL if made > most else PASS
            expected = f"at most {times(most, 'attempt')}"
            message = _TOO_MANY if made > most else _NOT_TOO_MANY
        outcomes.append(
            Outcome(
                verdict,
                _ends(chain),
                expected,
                times(made, "attempt"),
                message,
                subject=chain[0].where,
            )
        )
    return outcomes


_NO_COUNT = "The strategy has no source for the number of repeats."
_TOO_MANY = "There are more attempts than the strategy gives."
_NOT_TOO_MANY = "There are no more attempts than the strategy gives."

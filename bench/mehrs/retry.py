"""When to try again: the retry schedule the engine goes by, and never the checker.

A schedule is a pure function of the policy and of the attempts made so far. It never looks at a
clock, and the same attempts always give the same answer. Whether an attempt succeeded, or whether
its failure can be mended by a retry at all, is the caller's matter: it asks only after a failure.

What the papers leave open is settled here as follows, and is the bench's choice:

- 3.1: the first attempt and its short repeats are the short phase. The last short attempt is
  followed by the first long one after the long interval. The number runs on through both phases.
- The total period of 3.1 ends for attempts of either phase if it runs from the first attempt, and
  for long ones only if it runs from the first long one. It runs from the moment at which the
  outcome of that attempt was known.
- Under `3.x.measured-from: start` an attempt that lasted longer than the interval is followed at
  once by the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bench.mehrs.strategy import Status, Strategy
from bench.units import Micros, format_duration, format_instant

Phase = Literal["short", "long"]

SECTIONS: Final = ("3.1", "3.2", "3.3", "3.4.1")


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt made: `number` from 1, `phase` in 3.1 only, microseconds UTC."""

    number: int
    phase: Phase | None
    started: Micros
    ended: Micros


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """Try again at `at`, not before."""

    number: int
    phase: Phase | None
    at: Micros


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No further attempt; `reason` is a sentence for the report."""

    reason: str


@dataclass(frozen=True, slots=True)
class RepeatPolicy:
    """3.2, 3.3 and 3.4.1: a wait, and how many attempts in all (at least the first)."""

    section: str
    wait: Micros
    attempts: int
    from_end: bool
    placeholders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PeriodPolicy:
    """3.1: short repeats, then long ones until the total period is over."""

    section: str
    short_wait: Micros
    short_attempts: int
    long_wait: Micros
    period: Micros
    from_first_attempt: bool
    inclusive: bool
    from_end: bool
    placeholders: tuple[str, ...] = ()


RetryPolicy = RepeatPolicy | PeriodPolicy


def retry_policy(strategy: Strategy, section: str) -> RetryPolicy:
    """The policy of `3.1`, `3.2`, `3.3` or `3.4.1`. KeyError where the version has none."""
    from_end = strategy.choice("3.x.measured-from") == "end"
    placeholders = tuple(
        parameter.id
        for parameter in strategy.parameters.values()
        if parameter.section == section and parameter.status is Status.UNSOURCED
    )
    if section == "3.1":
        return PeriodPolicy(
            section,
            short_wait=strategy.duration("3.1.short-interval"),
            short_attempts=1 + strategy.count("3.1.short-repeats"),
            long_wait=strategy.duration("3.1.long-interval"),
            period=strategy.duration("3.1.total-period"),
            from_first_attempt=strategy.choice("3.1.period-from") == "first-attempt",
            inclusive=strategy.choice("boundary") == "inclusive",
            from_end=from_end,
            placeholders=placeholders,
        )
    if section == "3.4.1":
        wait = strategy.duration("3.4.1.wait")
        attempts = _attempts_in_all(
            strategy.count("3.4.1.repeats"), strategy.choice("3.4.1.counting")
        )
    else:
        wait = strategy.duration(f"{section}.interval")
        attempts = 1 + strategy.count(f"{section}.repeats")
    return RepeatPolicy(section, wait, attempts, from_end, placeholders)


def _attempts_in_all(count: int, counting: str) -> int:
    before_counting = {"attempts": 0, "repeats": 1, "repeats-of-retry": 2}[counting]
    return max(1, before_counting + count)


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """The schedule of one chain of attempts at one thing."""

    policy: RetryPolicy

    def first(self, now: Micros) -> NextAttempt:
        """The first try, at once."""
        return NextAttempt(1, "short" if isinstance(self.policy, PeriodPolicy) else None, now)

    def after(self, attempts: Sequence[Attempt]) -> NextAttempt | GiveUp:
        """What follows these attempts, all failed, numbered from 1 without a gap.

        Raises ValueError if they are not the attempts of one chain, in order.
        """
        _check(attempts)
        if isinstance(self.policy, PeriodPolicy):
            return self._within_period(self.policy, attempts)
        return self._repeats(self.policy, attempts)

    def _repeats(self, policy: RepeatPolicy, attempts: Sequence[Attempt]) -> NextAttempt | GiveUp:
        last = attempts[-1]
        if last.number >= policy.attempts:
            repeats = policy.attempts - 1
            return GiveUp(
                f"section {policy.section} allows {_times(policy.attempts, 'attempt')} in all "
                f"({_times(repeats, 'repeat')} after the first), and {last.number} "
                f"{'was' if last.number == 1 else 'were'} made{_caveat(policy)}"
            )
        return NextAttempt(last.number + 1, None, _due(last, policy.wait, policy.from_end))

    def _within_period(
        self, policy: PeriodPolicy, attempts: Sequence[Attempt]
    ) -> NextAttempt | GiveUp:
        last = attempts[-1]
        phase: Phase = "short" if last.number < policy.short_attempts else "long"
        wait = policy.short_wait if phase == "short" else policy.long_wait
        at = _due(last, wait, policy.from_end)
        counted_from = (
            attempts[0]
            if policy.from_first_attempt
            else next((attempt for attempt in attempts if attempt.phase == "long"), None)
        )
        if counted_from is not None:
            end = counted_from.ended + policy.period
            if at > end or (at == end and not policy.inclusive):
                over = "exceeded" if at > end else "reached, and reached is too late"
                return GiveUp(
                    f"the {format_duration(policy.period)} total period would be {over}: next "
                    f"attempt due {format_instant(at)}, period ends {format_instant(end)}"
                    f"{_caveat(policy)}"
                )
        return NextAttempt(last.number + 1, phase, at)


def _check(attempts: Sequence[Attempt]) -> None:
    """Looks at the last attempt and the one before it; earlier ones were looked at in turn."""
    if not attempts:
        raise ValueError("expected at least one attempt; the first is `first`")
    last = attempts[-1]
    if last.number != len(attempts):
        raise ValueError(f"expected attempt {len(attempts)}, got attempt {last.number}")
    if last.ended < last.started:
        raise ValueError(f"attempt {last.number} ends before it starts")
    if len(attempts) > 1 and last.started < attempts[-2].ended:
        raise ValueError(f"attempt {last.number} starts before the one before it ended")


def _due(last: Attempt, wait: Micros, from_end: bool) -> Micros:
    return last.ended + wait if from_end else max(last.ended, last.started + wait)


def _times(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _caveat(policy: RetryPolicy) -> str:
    if not policy.placeholders:
        return ""
    return f" (on placeholders, not on known values: {', '.join(policy.placeholders)})"

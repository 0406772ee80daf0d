"""The Requesting Party's retry of 3.4.1, handed to the emulated party as its policy."""

from __future__ import annotations

from collections.abc import Sequence

from bench.emulation import Try
from bench.mehrs import retry
from bench.mehrs.strategy import Strategy
from bench.parties import Group
from bench.units import Micros

SECTION = "3.4.1"


class StrategyResubmission:
    """Tries again as the strategy's section 3.4.1 says. Implements `ResubmissionPolicy`."""

    def __init__(self, strategy: Strategy) -> None:
        self._schedule = retry.RetrySchedule(retry.retry_policy(strategy, SECTION))
        self.reason = ""

    def next_at(self, tries: Sequence[Try]) -> Micros | None:
        made = [
            retry.Attempt(number, None, each.started, each.ended)
            for number, each in enumerate(tries, 1)
        ]
        decision = self._schedule.after(made)
        if isinstance(decision, retry.GiveUp):
            self.reason = decision.reason
            return None
        return decision.at


def resubmission_policy(strategy: Strategy, group: Group) -> StrategyResubmission | None:
    """Only group EA's Requesting Party has a retry [C s5]."""
    return StrategyResubmission(strategy) if group is Group.EA else None

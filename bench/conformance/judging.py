"""Judges one passage by every rule of its group, and asks whether another reading turns a verdict.

There is one function per rule and no second copy of its meaning: another reading is the same
function called with other limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

# Importing the themes enters their rules.
from bench.conformance import (
    absent,
    account,
    authorisation,
    commissioning,
    file_set,
    keys,
    persistence,
    smi,
    validation,
    waits,
)
from bench.conformance.finding import OtherVerdict
from bench.conformance.limits import Limits, OtherReading, other_readings, pinned_limits
from bench.conformance.passage import Passage
from bench.conformance.rule import RULES, Outcome, RuleFunction
from bench.conformance.timing import FAIL, PASS
from bench.mehrs.strategy import Kind, Rule, Status, Strategy, weakest
from bench.parties import Group
from bench.units import Micros
from bench.verdict import Verdict

THEMES = (
    absent,
    account,
    authorisation,
    commissioning,
    file_set,
    keys,
    persistence,
    smi,
    validation,
    waits,
)


@dataclass(frozen=True, slots=True)
class RuleInForce:
    """A rule as a version has it, with the readings that could turn its verdict."""

    id: str
    rule: Rule
    function: RuleFunction
    others: tuple[OtherReading, ...]
    status: Status

    @classmethod
    def of(cls, rule: Rule, strategy: Strategy, readings: Sequence[OtherReading]) -> RuleInForce:
        statuses = [] if rule.status is None else [rule.status]
        for name in rule.parameters:
            parameter = strategy.parameters[name]
            if parameter.kind is not Kind.CHOICE:
                statuses.append(parameter.status)
        others = tuple(other for other in readings if other.parameter in rule.parameters)
        return cls(rule.id, rule, RULES[rule.id], others, weakest(*statuses))


class Judged(NamedTuple):
    """One judgement. `others` are the readings that would turn it, empty where none does."""

    rule: RuleInForce
    outcome: Outcome
    others: tuple[OtherVerdict, ...]

    @property
    def status(self) -> Status:
        """The weakest of the rule's own and its parameters'; a reading only if it matters."""
        statuses = [self.rule.status]
        if self.outcome.status is not None:
            statuses.append(self.outcome.status)
        if self.others:
            statuses.append(Status.READING)
        return weakest(*statuses)


class Bench:
    """The rules in force, by group."""

    def __init__(self, strategy: Strategy, tolerance: Micros) -> None:
        self._limits: Limits = pinned_limits(strategy, tolerance)
        readings = other_readings(strategy, self._limits)
        self._rules = {
            group.value: tuple(
                RuleInForce.of(rule, strategy, readings) for rule in strategy.rules_for(group)
            )
            for group in Group
        }

    def judge(self, passage: Passage, group: str) -> tuple[dict[str, Verdict], list[Judged]]:
        """The worst verdict of every exercised rule, and the judgements that are worth telling.

        Both in the strategy's order. In a passage that never closed only what can no longer turn
        is judged: a failure, or what a rule calls final.
        """
        limits = self._limits
        open_still = passage.ended is None
        worst: dict[str, Verdict] = {}
        told: list[Judged] = []
        for rule in self._rules[group]:
            outcomes = rule.function(passage, limits)
            if not outcomes:
                continue
            turned = _turned(rule, outcomes, passage) if rule.others else None
            for outcome in outcomes:
                verdict = outcome.verdict
                if open_still and not outcome.final and verdict is not FAIL:
                    continue
                if verdict >= worst.get(rule.id, verdict):
                    worst[rule.id] = verdict
                others = tuple(turned.get(outcome.subject, ())) if turned else ()
                if others or verdict is not PASS:
                    told.append(Judged(rule, outcome, others))
        return worst, told


def _turned(
    rule: RuleInForce, outcomes: Sequence[Outcome], passage: Passage
) -> dict[int, list[OtherVerdict]]:
    """For each subject the readings under which its verdict would be another.

    Where every attempt starts when it becomes known, its end and its start are the same.
    """
    turned: dict[int, list[OtherVerdict]] = {}
    for other in rule.others:
        if not passage.started_apart and other.parameter == "3.x.measured-from":
            continue
        verdicts: dict[int, Verdict] = {
            outcome.subject: outcome.verdict for outcome in rule.function(passage, other.limits)
        }
        for outcome in outcomes:
            verdict = verdicts.get(outcome.subject)
            if verdict is not outcome.verdict:
                found = OtherVerdict(other.parameter, other.choice, verdict)
                turned.setdefault(outcome.subject, []).append(found)
    return turned

"""The requirement matrix: each rule of each strategy, what the run says of it, on what it rests.

`requirements.csv` holds all of it; the page of a report names a few scenarios of each verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench.report.csv_text import csv_text
from bench.result import RULE_VERDICTS, Certificate, RuleRecord, RunRecord, ScenarioRecord

COLUMNS: Final = (
    "strategy",
    "section",
    "rule",
    "requirement",
    "status",
    "source",
    "verdict on the certificate",
    "scenarios it rests on",
    "scenarios that exercised it",
    "deviations of it that were caught",
    "evidence",
)


@dataclass(frozen=True, slots=True)
class Exercised:
    """A rule in a scenario: the scenario's place in the record, from 1, and the worst verdict."""

    place: int
    scenario: ScenarioRecord
    verdict: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """A rule and the scenarios that exercised it, in their order.

    `caught`: those that deviate on purpose in which it did not pass; they are not on the
    certificate.
    """

    rule: RuleRecord
    exercised: tuple[Exercised, ...]
    caught: tuple[Exercised, ...]

    def by_verdict(self) -> Iterator[tuple[str, tuple[Exercised, ...]]]:
        """Those without a deviation, the worst verdict first."""
        for verdict in RULE_VERDICTS:
            found = tuple(each for each in self.exercised if each.verdict == verdict)
            if found:
                yield verdict, found


def requirements(record: RunRecord, certificate: Certificate) -> tuple[Requirement, ...]:
    """The certificate's part of the matrix, a row a rule."""
    judged = [
        (place, scenario)
        for place, scenario in enumerate(record.scenarios, start=1)
        if scenario.strategy == certificate.strategy
    ]
    return tuple(_requirement(rule, judged) for rule in certificate.rules)


def _requirement(rule: RuleRecord, judged: list[tuple[int, ScenarioRecord]]) -> Requirement:
    found = [
        Exercised(place, scenario, _verdict(scenario, rule))
        for place, scenario in judged
        if rule.rule in scenario.rules
    ]
    return Requirement(
        rule,
        tuple(each for each in found if not each.scenario.deviant),
        tuple(each for each in found if each.scenario.deviant and each.verdict != "passed"),
    )


def requirements_csv(record: RunRecord) -> str:
    return csv_text(COLUMNS, _rows(record))


def _rows(record: RunRecord) -> Iterator[tuple[str, ...]]:
    for certificate in record.certificates:
        for requirement in requirements(record, certificate):
            yield (*_row(certificate, requirement), record.kit)


def _row(certificate: Certificate, requirement: Requirement) -> tuple[str, ...]:
    rule = requirement.rule
    return (
        certificate.strategy.label,
        rule.section,
        rule.rule,
        rule.title,
        rule.status,
        rule.source,
        rule.verdict,
        ", ".join(rule.scenarios),
        _named(requirement.exercised),
        _named(requirement.caught),
    )


def _named(found: tuple[Exercised, ...]) -> str:
    return ", ".join(f"{each.scenario.name} ({each.verdict})" for each in found)


def _verdict(scenario: ScenarioRecord, rule: RuleRecord) -> str:
    counted = scenario.rules[rule.rule]
    return next((verdict for verdict in RULE_VERDICTS if counted.get(verdict)), "passed")

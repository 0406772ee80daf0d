"""`requirements.csv`: each rule of each strategy, what the run says of it, and on what it rests."""

from __future__ import annotations

from collections.abc import Iterator
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


def requirements_csv(record: RunRecord) -> str:
    return csv_text(COLUMNS, _rows(record))


def _rows(record: RunRecord) -> Iterator[tuple[str, ...]]:
    for certificate in record.certificates:
        judged = [s for s in record.scenarios if s.strategy == certificate.strategy]
        for rule in certificate.rules:
            yield (*_row(certificate, rule, judged), record.kit)


def _row(
    certificate: Certificate, rule: RuleRecord, judged: list[ScenarioRecord]
) -> tuple[str, ...]:
    exercised = [s for s in judged if rule.rule in s.rules]
    caught = [s for s in exercised if s.deviant and _verdict(s, rule) != "passed"]
    return (
        certificate.strategy.label,
        rule.section,
        rule.rule,
        rule.title,
        rule.status,
        rule.source,
        rule.verdict,
        ", ".join(rule.scenarios),
        ", ".join(f"{s.name} ({_verdict(s, rule)})" for s in exercised if not s.deviant),
        ", ".join(f"{s.name} ({_verdict(s, rule)})" for s in caught),
    )


def _verdict(scenario: ScenarioRecord, rule: RuleRecord) -> str:
    counted = scenario.rules[rule.rule]
    return next((verdict for verdict in RULE_VERDICTS if counted.get(verdict)), "passed")

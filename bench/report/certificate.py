"""The certificate block: what was shown about the installations under one strategy."""

from __future__ import annotations

from dataclasses import dataclass

from bench.mehrs.strategy import Status
from bench.report.spoken import listed
from bench.result import RULE_VERDICTS, Certificate, RuleRecord, RunRecord


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule with the reason for its verdict, where there is one to give."""

    rule: RuleRecord
    reason: str


@dataclass(frozen=True, slots=True)
class Block:
    """A certificate's rules by verdict, worst first; a verdict that no rule has is there, empty."""

    certificate: Certificate
    by_verdict: dict[str, tuple[RuleLine, ...]]


def blocks(record: RunRecord) -> tuple[Block, ...]:
    return tuple(
        Block(
            certificate,
            {
                verdict: tuple(
                    RuleLine(rule, _reason(record, certificate, rule))
                    for rule in certificate.rules
                    if rule.verdict == verdict
                )
                for verdict in RULE_VERDICTS
            },
        )
        for certificate in record.certificates
    )


def _reason(record: RunRecord, certificate: Certificate, rule: RuleRecord) -> str:
    if rule.status == Status.UNSOURCED and rule.verdict in ("inconclusive", "not exercised"):
        missing = _unsourced(record, certificate, rule)
        what = f"its {listed(missing)} are" if len(missing) > 1 else f"its {missing[0]} is"
        if rule.verdict == "inconclusive":
            return f"{what} not public; supply an overlay"
        return f"{what} not public, so it can pass with an overlay only"
    if rule.verdict in ("failed", "inconclusive") and rule.scenarios:
        shown = list(rule.scenarios[:3])
        more = len(rule.scenarios) - len(shown)
        return "in " + listed([*shown, f"{more} more"] if more else shown)
    return ""


def _unsourced(record: RunRecord, certificate: Certificate, rule: RuleRecord) -> list[str]:
    """The unsourced parameters of the rule's section, by the last part of their names."""
    held = record.parameters.get(certificate.strategy.key, {})
    return [
        name.removeprefix(f"{rule.section}.")
        for name, parameter in held.items()
        if parameter.status == Status.UNSOURCED and name.startswith(f"{rule.section}.")
    ] or ["value"]


def rests_on(record: RunRecord) -> str:
    """A sentence: what kind of kit and clock the verdict rests on."""
    kit = {
        "EMULATED": "emulated devices and parties only; it says nothing about real kit",
        "REAL": "real devices",
        "MIXED": "real and emulated devices together; each device below says which it is",
    }.get(record.kit, record.kit)
    return f"Rests on {kit}; {record.clock} clock."

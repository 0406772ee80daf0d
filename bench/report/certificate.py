"""The certificate block: what was shown about the installations under one strategy."""

from __future__ import annotations

from dataclasses import dataclass

from bench.mehrs.strategy import Status
from bench.report.limits import parameters_by
from bench.report.spoken import count, listed
from bench.result import RULE_VERDICTS, UNHEARD, Certificate, RuleRecord, RunRecord


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
    held = parameters_by(record, certificate.strategy)
    return [
        name.removeprefix(f"{rule.section}.")
        for name, parameter in held.items()
        if parameter.status == Status.UNSOURCED and name.startswith(f"{rule.section}.")
    ] or ["value"]


def as_expected(record: RunRecord) -> str:
    """A sentence: how many scenarios went as they expect to, and how many were not run."""
    run = [scenario for scenario in record.scenarios if not scenario.not_run]
    met = sum(scenario.verdict == "pass" for scenario in run)
    left = len(record.scenarios) - len(run)
    sentence = f"{met} of {count(len(run), 'scenario')} went as expected"
    sentence = f"{sentence}; {left} not run." if left else f"{sentence}."
    return f"Stopped by {record.stopped}: {sentence}" if record.stopped else sentence


def certified(record: RunRecord) -> str:
    """A sentence: what the certificates come to, which is another question."""
    verdicts = [certificate.verdict for certificate in record.certificates]
    if not verdicts:
        return "There is no certificate."
    if len(set(verdicts)) == 1:
        which = "certificate" if len(verdicts) == 1 else f"{len(verdicts)} certificates"
        return f"Verdict of the {which}: {verdicts[0]}."
    counted = [f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts)]
    return f"Verdicts of the {len(verdicts)} certificates: {listed(counted)}."


def rests_on(record: RunRecord) -> str:
    """A sentence: what kind of kit and clock the verdict rests on."""
    kit = {
        "EMULATED": "emulated devices and parties only; it says nothing about real kit",
        "REAL": "real devices",
        UNHEARD: "no device: none was heard",
        "MIXED": "real and emulated devices together; each device below says which it is",
    }.get(record.kit, record.kit)
    return f"Rests on {kit}; {record.clock} clock."

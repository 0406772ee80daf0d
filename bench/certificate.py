"""The certificate block: what was shown about the installations, rule by rule.

A scenario that shows a deviant being caught says nothing about the installation and is left out.
One in which the bench itself failed shows nothing: it counts as not run.
A scenario that rests on an instrument past its due date, or on one that nobody calibrated, is
inconclusive at best (`in_doubt`).
A rule is *not run* when no scenario of a group it concerns was run, or when one that covers it was
left out; it is *not exercised* when scenarios were run and it had nothing to judge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from bench.mehrs.strategy import Kind, Rule, Status, Strategy, weakest
from bench.result import Certificate, InstrumentRecord, RuleRecord, ScenarioRecord, StrategyRecord
from bench.verdict import Verdict

_WORST_FIRST: Final = ("failed", "inconclusive", "passed")


def strategy_record(strategy: Strategy) -> StrategyRecord:
    overlay = strategy.overlay.name if strategy.overlay is not None else None
    return StrategyRecord(strategy.mehrs.version, strategy.mam.version, overlay, strategy.hashes)


def rule_status(rule: Rule, strategy: Strategy) -> Status:
    """The weakest of the rule's own status and its limits'; readings count where they matter."""
    limits = (strategy.parameters[name] for name in rule.parameters if name in strategy.parameters)
    statuses = [limit.status for limit in limits if limit.kind is not Kind.CHOICE]
    if rule.status is not None:
        statuses.append(rule.status)
    return weakest(*statuses)


def worst_verdict(counts: dict[str, int]) -> str:
    """`failed`, `inconclusive` or `passed` from a rule's counts over installations."""
    return next(verdict for verdict in _WORST_FIRST if counts.get(verdict))


def in_doubt(instruments: Iterable[InstrumentRecord], device: str, at: str) -> list[str]:
    """Why what was measured of the device at that time (RFC 3339) proves nothing, in sentences.

    Where an instrument measures a device's feed, the device's supply and registers rest on it. The
    due date itself is still in time.
    """
    said = []
    for instrument in instruments:
        if instrument.measures != device:
            continue
        if not instrument.due:
            said.append(f"{instrument.name} of {device}: expected a calibration, it has none")
        elif at[:10] > instrument.due:
            said.append(
                f"{instrument.name} of {device}: expected to be calibrated, certificate "
                f"{instrument.certificate} was due on {instrument.due}"
            )
    return said


def certificates_of(
    scenarios: Iterable[ScenarioRecord], strategy_of: Callable[[StrategyRecord], Strategy]
) -> tuple[Certificate, ...]:
    """One for each strategy that a scenario was run under which is not deviant, by first use."""
    by_strategy: dict[str, list[ScenarioRecord]] = {}
    for scenario in scenarios:
        by_strategy.setdefault(scenario.strategy.label, []).append(scenario)
    return tuple(
        certify(strategy_of(judged[0].strategy), judged)
        for judged in by_strategy.values()
        if any(not scenario.deviant for scenario in judged)
    )


def certify(strategy: Strategy, scenarios: Iterable[ScenarioRecord]) -> Certificate:
    """What these scenarios, run under this strategy, show. Deviant ones are passed over."""
    counted = [s for s in scenarios if not s.deviant]
    run = [s for s in counted if not s.not_run and s.verdict != Verdict.BENCH_ERROR.label]
    left_out = [s for s in counted if s not in run]
    rules = tuple(_rule_record(rule, strategy, run, left_out) for rule in strategy.rules.values())
    verdicts = Counter(rule.verdict for rule in rules)
    reasons = [
        f"{verdicts[verdict]} of {len(rules)} rules {verdict}"
        for verdict in ("failed", "inconclusive", "not run")
        if verdicts[verdict]
    ]
    if left_out or not run:
        reasons.append(f"{len(left_out)} of {len(counted)} scenarios not run to their end")
    if verdicts["failed"]:
        verdict = Verdict.FAIL
    else:
        verdict = Verdict.INCONCLUSIVE if reasons else Verdict.PASS
    return Certificate(strategy_record(strategy), verdict.label, rules, "; ".join(reasons))


def _rule_record(
    rule: Rule, strategy: Strategy, run: list[ScenarioRecord], left_out: list[ScenarioRecord]
) -> RuleRecord:
    groups = {s.group for s in run}
    exercised = {s.name: worst_verdict(s.rules[rule.id]) for s in run if rule.id in s.rules}
    if exercised:
        verdict = min(exercised.values(), key=_WORST_FIRST.index)
        shown_by = tuple(name for name, got in exercised.items() if got == verdict)
    else:
        meant = any({rule.id, rule.section} & set(s.covers) for s in left_out)
        looked = groups & set(map(str, rule.groups))
        verdict = "not exercised" if looked and not meant else "not run"
        shown_by = ()
    return RuleRecord(
        rule.id,
        rule.section,
        rule.title,
        str(rule_status(rule, strategy)),
        str(rule.source),
        verdict,
        shown_by,
    )

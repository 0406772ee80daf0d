"""Judges a run's trace once more, and compares what the result says with what follows from it.

The result is believed in nothing that the trace can tell: rule verdicts, findings, how each
scenario ended, the certificates, the run's verdict. What a device or a party really held at the
end is not in the trace; that it was as expected rests on whoever signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.certificate import certificates_of, in_doubt
from bench.conformance.checker import Checker
from bench.errors import UsageError
from bench.evidence.contents import INPUTS
from bench.evidence.derived import strategies_of
from bench.mehrs.loader import load_strategy
from bench.mehrs.strategy import Strategy
from bench.report.story import story
from bench.report.trace_lines import Line, TraceLines
from bench.result import RunRecord, ScenarioRecord, StrategyRecord, kit_of
from bench.trace import Attempt, Closed, Opened
from bench.units import SECOND
from bench.verdict import Verdict

Strategies = Mapping[str, Strategy]
"""By `StrategyRecord.key`."""


def held_strategies(record: RunRecord, folder: Path) -> tuple[dict[str, Strategy], list[str]]:
    """The strategies of a run as this bench holds them, with the overlays of the folder's inputs.

    The second part names what is not to be had in the same content.
    """
    held: dict[str, Strategy] = {}
    lacking: list[str] = []
    for wanted in strategies_of(record):
        strategy = _strategy(wanted, folder)
        if strategy is None:
            lacking.append(wanted.label)
        else:
            held[wanted.key] = strategy
    return held, lacking


def _strategy(wanted: StrategyRecord, folder: Path) -> Strategy | None:
    overlays: list[Path | None] = [None]
    if wanted.overlay is not None:
        overlays = [*sorted((folder / INPUTS).rglob("*.yaml"))]
    for overlay in overlays:
        try:
            strategy = load_strategy(wanted.mehrs, wanted.mam, overlay)
        except UsageError:
            continue
        if strategy.hashes == wanted.hashes:
            return strategy
    return None


def differences(
    record: RunRecord, trace: TraceLines, lines: int, strategies: Strategies
) -> Iterator[str]:
    """Sentences: what the result says and what follows from its trace of `lines` lines.

    A scenario whose strategy is not among `strategies` is passed over, and so are certificates
    then: what could not be judged was named before.
    """
    yield from _lines(record, lines)
    for scenario in record.scenarios:
        if scenario.not_run:
            if scenario.verdict or scenario.rules or scenario.findings:
                yield f"{scenario.name}: not run, and yet it has a verdict"
            continue
        strategy = strategies.get(scenario.strategy.key)
        if strategy is not None:
            yield from _scenario(record, scenario, trace.of(scenario), strategy)
    yield from _whole(record, strategies)


def _lines(record: RunRecord, lines: int) -> Iterator[str]:
    """The scenarios share the trace among them without gap or overlap."""
    due = 1
    for scenario in record.scenarios:
        if not scenario.first_line:
            continue
        if scenario.first_line != due or scenario.last_line < due:
            yield f"{scenario.name}: its lines do not begin where the one before ended"
        due = scenario.last_line + 1
    if due != lines + 1 and not record.stopped:
        yield f"the scenarios have {due - 1} lines, the trace {lines}"


def _scenario(
    record: RunRecord, scenario: ScenarioRecord, lines: tuple[Line, ...], strategy: Strategy
) -> Iterator[str]:
    checker = Checker(strategy, round(record.tolerance_s * SECOND))
    for line in lines:
        checker.feed(line.event, line.number)
    judgement = checker.finish()
    events = [line.event for line in lines]
    outcomes = [event.outcome for event in events if isinstance(event, Closed)]
    found = {
        "rules": {rule: count.as_json() for rule, count in judgement.rules.items()},
        "findings": tuple(finding.as_json() for finding in judgement.findings),
        "story": tuple(story(events, replay=scenario.replay)),
        "attempts": sum(isinstance(event, Attempt) for event in events),
    }
    if scenario.verdict != Verdict.BENCH_ERROR.label:
        found["outcome"] = outcomes[-1] if outcomes else ""
        found["passages"] = sum(isinstance(event, Opened) for event in events)
    for name, told in found.items():
        if getattr(scenario, name) != told:
            yield f"{scenario.name}: {name}: not what follows from the trace"
    if scenario.verdict != Verdict.BENCH_ERROR.label:
        unless_wrong = Verdict.INCONCLUSIVE if scenario.unknown else Verdict.PASS
        follows = Verdict.FAIL if scenario.mismatches else unless_wrong
        if scenario.verdict != follows.label:
            yield f"{scenario.name}: {scenario.verdict}, its mismatches say {follows.label}"
        for device in scenario.devices:
            for said in in_doubt(record.instruments, device.name, scenario.started):
                if said not in scenario.unknown:
                    yield f"{scenario.name}: passes over that {said}"


def _whole(record: RunRecord, strategies: Strategies) -> Iterator[str]:
    run = [s for s in record.scenarios if not s.not_run]
    verdicts = [Verdict[s.verdict.upper().replace("-", "_")] for s in run]
    if record.stopped or not verdicts:
        verdicts.append(Verdict.INCONCLUSIVE)
    if record.worst is not max(verdicts):
        yield f"the run's verdict is {record.verdict}, its scenarios say {max(verdicts).label}"
    kit = kit_of(device for s in record.scenarios for device in s.devices)
    if kit and record.kit != kit:
        yield f"the run is stamped {record.kit}, its devices say {kit}"
    caught = tuple(s.name for s in run if s.deviant and s.verdict == Verdict.PASS.label)
    if caught != tuple(name for name, _ in record.caught):
        yield "the caught deviations are not those of its scenarios"
    if all(s.strategy.key in strategies for s in record.scenarios):
        follow = certificates_of(record.scenarios, lambda wanted: strategies[wanted.key])
        if follow != record.certificates:
            yield "the certificates do not follow from the scenarios"

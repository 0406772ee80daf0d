"""Runs a suite: each scenario alone in its own world, judged by the checker and by the truth."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.certificate import certify, strategy_record, worst_verdict
from bench.clock import Cancellation, Cancelled
from bench.conformance.checker import Checker
from bench.errors import BenchError
from bench.expectations import key_held, mismatches
from bench.mehrs.strategy import Strategy
from bench.report.story import story
from bench.result import (
    Certificate,
    DeviceRecord,
    RunRecord,
    ScenarioRecord,
    parameters_of,
    to_json,
)
from bench.scenario_run import Ran, run_scenario
from bench.station import DIRECT, Station
from bench.suite_reading import Forced, PreparedScenario, read_suite
from bench.tool_identity import tool_commit, tool_version
from bench.trace import Attempt
from bench.trace import to_json as event_to_json
from bench.units import SECOND, format_instant
from bench.verdict import Verdict

TOLERANCE = 60 * SECOND
TRACE = "trace.jsonl"
RESULT = "result.json"

Progress = Callable[[int, int, str], None]
"""Called before each scenario: how many are done, how many there are, which is next."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: a suite file as the user named it, a choice of its scenarios, a seed."""

    suite: Path
    named: str
    seed: int
    only: tuple[str, ...] = ()
    forced: Forced = field(default_factory=Forced)
    station: Station = DIRECT
    station_named: str = ""

    def replay(self, scenario: str) -> str:
        """The one command that runs this scenario again, to the byte."""
        words = ["smets1-bench", "run", self.named, "--scenario", scenario]
        for option, value in (
            ("--station", self.station_named or None),
            ("--mehrs", self.forced.mehrs),
            ("--mam", self.forced.mam),
            ("--overlay", self.forced.overlay),
        ):
            if value is not None:
                words += [option, str(value)]
        return shlex.join([*words, "--seed", str(self.seed)])


def run_suite(
    order: Order,
    place: Path | Callable[[], Path],
    *,
    progress: Progress | None = None,
    cancellation: Cancellation | None = None,
) -> RunRecord:
    """Runs the suite and writes `trace.jsonl` and `result.json` into the folder at `place`.

    A function that makes the folder is called once the suite was read and found to be right.

    The trace grows as scenarios end. A cancelled run keeps what is done; the rest is *not run*,
    also the scenario that was under way, whose events up to then are in the trace.
    Raises `UsageError` before anything is run, `BenchError` when the folder cannot be written.
    """
    suite, chosen = read_suite(order.suite, order.forced, order.only)
    folder = place if isinstance(place, Path) else place()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / TRACE).open("w", encoding="utf-8", newline="\n") as trace:
            records: list[ScenarioRecord] = []
            line, stopped = 0, ""
            for done, scenario in enumerate(chosen):
                if progress is not None:
                    progress(done, len(chosen), scenario.scenario.scenario)
                if scenario.not_run:
                    records.append(_not_run(order, scenario, scenario.not_run))
                    continue
                ran, stopped = _run_until_stopped(order, scenario, cancellation)
                for event in ran.events if ran is not None else ():
                    trace.write(event_to_json(event) + "\n")
                trace.flush()
                if ran is None or stopped:
                    reason = f"the run was stopped: {stopped}"
                    records += [_not_run(order, each, reason) for each in chosen[done:]]
                    break
                records.append(_record(order, ran, line + 1))
                line += len(ran.events)
        record = _run_record(order, suite, chosen, records, stopped)
        unfinished = folder / f"{RESULT}.unfinished"
        unfinished.write_text(to_json(record), encoding="utf-8", newline="\n")
        unfinished.replace(folder / RESULT)  # whole or not at all
    except OSError as error:
        raise BenchError(
            f"{folder}: cannot be written: {error.strerror}",
            hint="choose another folder with --out, or make room on the disk",
        ) from error
    return record


def _run_until_stopped(
    order: Order, scenario: PreparedScenario, cancellation: Cancellation | None
) -> tuple[Ran | None, str]:
    """What the scenario left behind, if it began; and why it was stopped, if it was."""
    try:
        ran = run_scenario(scenario, order.seed, cancellation, order.station)
    except Cancelled as cancelled:
        return None, cancelled.reason
    return ran, ran.cancelled


def run_prepared(order: Order, prepared: PreparedScenario) -> ScenarioRecord:
    """Runs one scenario and judges it, without writing anything."""
    return _record(order, run_scenario(prepared, order.seed, station=order.station), first_line=1)


def _record(order: Order, ran: Ran, first_line: int) -> ScenarioRecord:
    checker = Checker(ran.prepared.strategy, TOLERANCE)
    for line, event in enumerate(ran.events, first_line):
        checker.feed(event, line)
    judgement = checker.finish()
    counts = {rule: count.as_json() for rule, count in judgement.rules.items()}
    rules = {rule: worst_verdict(count) for rule, count in counts.items()}
    migration = ran.migration
    if ran.bench_error or migration is None:
        verdict, wrong = Verdict.BENCH_ERROR, [ran.bench_error]
    else:
        wrong = mismatches(ran, rules)
        verdict = Verdict.FAIL if wrong else Verdict.PASS
    scenario, after = ran.prepared.scenario, ran.after
    assert after is not None, "the scenario has ended"
    name = scenario.scenario
    return ScenarioRecord(
        name=name,
        suite=ran.prepared.suite,
        about=scenario.about,
        covers=scenario.covers,
        group=ran.prepared.installation.group,
        strategy=strategy_record(ran.prepared.strategy),
        verdict=verdict.label,
        mismatches=tuple(wrong),
        deviant=scenario.deviant,
        outcome=migration.outcome if migration else "",
        passages=migration.passages if migration else 0,
        gave_up=migration.gave_up if migration else False,
        started=format_instant(ran.started),
        ended=format_instant(ran.ended),
        first_line=first_line if ran.events else 0,
        last_line=first_line + len(ran.events) - 1 if ran.events else 0,
        rules=counts,
        findings=tuple(finding.as_json() for finding in judgement.findings),
        devices=_device_records(ran),
        account=after.account,
        keys={
            device.name: key_held(ran.before.devices[device.name], after.devices[device.name])
            for device in ran.prepared.installation.meters
        },
        wake_ups=sum(device.wake_ups for device in after.devices.values()),
        faults=tuple(f"{entry.fault} at {entry.target}" for entry in scenario.faults),
        replay=order.replay(name),
        story=story(ran.events, replay=order.replay(name)),
        attempts=sum(isinstance(event, Attempt) for event in ran.events),
    )


def _device_records(ran: Ran) -> tuple[DeviceRecord, ...]:
    records = []
    for device in ran.prepared.installation.devices:
        identity = ran.identities.get(device.name)
        read_back = {} if identity is None else {k: str(v) for k, v in asdict(identity).items()}
        assert ran.after is not None
        keys = {str(s): k.check_value for s, k in ran.after.devices[device.name].keys.items()}
        records.append(DeviceRecord(device.name, device.role, read_back, keys, emulated=True))
    return tuple(records)


def _not_run(order: Order, prepared: PreparedScenario, reason: str) -> ScenarioRecord:
    scenario = prepared.scenario
    return ScenarioRecord(
        name=scenario.scenario,
        suite=prepared.suite,
        about=scenario.about,
        covers=scenario.covers,
        group=prepared.installation.group,
        strategy=strategy_record(prepared.strategy),
        verdict="",
        mismatches=(),
        deviant=scenario.deviant,
        outcome="",
        passages=0,
        gave_up=False,
        started="",
        ended="",
        first_line=0,
        last_line=0,
        rules={},
        findings=(),
        devices=(),
        account="",
        keys={},
        wake_ups=0,
        faults=(),
        replay=order.replay(scenario.scenario),
        not_run=reason,
    )


def _run_record(
    order: Order,
    suite: str,
    chosen: list[PreparedScenario],
    records: list[ScenarioRecord],
    stopped: str,
) -> RunRecord:
    verdicts = [Verdict[r.verdict.upper().replace("-", "_")] for r in records if not r.not_run]
    if stopped or not verdicts:
        verdicts.append(Verdict.INCONCLUSIVE)
    return RunRecord(
        suite=suite,
        station=order.station.station,
        kit="EMULATED",
        clock="virtual",
        seed=order.seed,
        tool=tool_version(),
        commit=tool_commit(),
        started=format_instant(min((p.scenario.start for p in chosen), default=0)),
        verdict=max(verdicts).label,
        scenarios=tuple(records),
        certificates=_certificates(chosen, records),
        stopped=stopped,
        parameters={
            strategy_record(each.strategy).key: parameters_of(each.strategy) for each in chosen
        },
        caught=tuple(
            (record.name, f"{record.deviant}: {_caught_by(record)}")
            for record in records
            if record.deviant and record.verdict == Verdict.PASS.label
        ),
    )


def _caught_by(record: ScenarioRecord) -> str:
    verdicts = {rule: worst_verdict(counts) for rule, counts in record.rules.items()}
    return ", ".join(f"{rule} {v}" for rule, v in verdicts.items() if v != "passed")


def _certificates(
    chosen: list[PreparedScenario], records: list[ScenarioRecord]
) -> tuple[Certificate, ...]:
    """One for each strategy used, in the order of first use."""
    strategies: dict[str, Strategy] = {}
    by_strategy: dict[str, list[ScenarioRecord]] = {}
    for prepared, record in zip(chosen, records, strict=True):
        key = record.strategy.label
        strategies.setdefault(key, prepared.strategy)
        by_strategy.setdefault(key, []).append(record)
    return tuple(
        certify(strategies[key], scenarios)
        for key, scenarios in by_strategy.items()
        if any(not scenario.deviant for scenario in scenarios)
    )

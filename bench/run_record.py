"""What a run records: each scenario as it was judged, and the run as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from bench.certificate import certificates_of, in_doubt, strategy_record, worst_verdict
from bench.clock import WallClock
from bench.conformance.checker import Checker
from bench.devices import Identity
from bench.emulation import is_emulated
from bench.errors import BenchError
from bench.expectations import key_held, mismatches, unknowable
from bench.installation import DeviceSpec
from bench.order import Order
from bench.report.story import story
from bench.result import (
    UNHEARD,
    DeviceRecord,
    InstrumentRecord,
    OperatorRecord,
    RunRecord,
    ScenarioRecord,
    kit_of,
    parameters_of,
)
from bench.scenario.ran import Ran
from bench.station.form import ClockSource, Station
from bench.station.port import Reach
from bench.suite import Scenario
from bench.suite_reading import PreparedScenario
from bench.tool_identity import tool_commit, tool_version
from bench.trace import Attempt
from bench.units import SECOND, Micros, format_instant
from bench.verdict import Verdict


def scenario_record(order: Order, ran: Ran, first_line: int) -> ScenarioRecord:
    checker = Checker(ran.prepared.strategy, order.tolerance)
    for line, event in enumerate(ran.events, first_line):
        checker.feed(event, line)
    judgement = checker.finish()
    counts = {rule: count.as_json() for rule, count in judgement.rules.items()}
    rules = {rule: worst_verdict(count) for rule, count in counts.items()}
    migration = ran.migration
    blamed = ran.prepared.scenario.expect.bench_error
    if blamed and blamed in ran.bench_error:
        verdict, wrong, unknown = Verdict.PASS, list[str](), list[str]()
    elif ran.bench_error or migration is None:
        verdict, wrong, unknown = Verdict.BENCH_ERROR, [ran.bench_error], []
    else:
        wrong, unknown = (
            mismatches(ran, rules),
            [*unknowable(ran, rules), *_uncalibrated(order, ran)],
        )
        if ran.unarmed:  # nothing is booked against a device that was spared a fault
            wrong, unknown = [], [*unknown, *wrong]
        unless_wrong = Verdict.INCONCLUSIVE if unknown else Verdict.PASS
        verdict = Verdict.FAIL if wrong else unless_wrong
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
            or "unknown"
            for device in ran.prepared.installation.meters
        },
        wake_ups=sum(device.wake_ups for device in after.devices.values()),
        faults=tuple(map(str, scenario.faults)),
        replay=order.replay(name),
        story=story(ran.events, replay=order.replay(name)),
        attempts=sum(isinstance(event, Attempt) for event in ran.events),
        unknown=tuple(unknown),
        operator=operator_records(ran),
    )


def instruments_of(station: Station) -> tuple[InstrumentRecord, ...]:
    meter = station.kit.reference_meter
    if meter is None:
        return ()
    held = meter.calibration
    if held is None:
        return (InstrumentRecord("reference meter", meter.measures),)
    return (
        InstrumentRecord(
            "reference meter",
            meter.measures,
            held.serial_number,
            held.certificate,
            held.due.isoformat(),
            str(held.uncertainty),
        ),
    )


def _uncalibrated(order: Order, ran: Ran) -> list[str]:
    at, instruments = format_instant(ran.started), instruments_of(order.station)
    devices = ran.prepared.installation.devices
    return [said for device in devices for said in in_doubt(instruments, device.name, at)]


def operator_records(ran: Ran) -> tuple[OperatorRecord, ...]:
    return tuple(
        OperatorRecord(
            reply.step.step, reply.step.ask, reply.answer, reply.by, format_instant(reply.at)
        )
        for reply in ran.replies
    )


def _device_records(ran: Ran) -> tuple[DeviceRecord, ...]:
    records = []
    for device in stopped_with(ran):
        assert ran.after is not None
        keys = {str(s): k.check_value for s, k in ran.after.devices[device.name].keys.items()}
        records.append(replace(device, keys=keys))
    return tuple(records)


def stopped_with(ran: Ran) -> tuple[DeviceRecord, ...]:
    """The devices of a scenario that did not end: what they hold then is not told."""
    return tuple(
        _device_record(spec, ran.identities.get(spec.name), ran.emulated.get(spec.name, True))
        for spec in ran.prepared.installation.devices
    )


def heard_before(
    station: Station, prepared: PreparedScenario, heard: Mapping[str, Identity | None]
) -> tuple[DeviceRecord, ...]:
    """The devices on ports that may have answered before a scenario that did not begin."""
    return tuple(
        _device_record(spec, identity, identity is not None and is_emulated(identity))
        for spec in prepared.installation.devices
        if spec.name in heard and station.reached(spec.name).reach in (Reach.REAL, Reach.VIA_HUB)
        for identity in [heard[spec.name]]
    )


def _device_record(
    spec: DeviceSpec, identity: Identity | None, emulated: bool | None
) -> DeviceRecord:
    said = {} if identity is None else {k: str(v) for k, v in asdict(identity).items()}
    return DeviceRecord(spec.name, spec.role, said, {}, bool(emulated))


def unstaged_record(
    order: Order,
    prepared: PreparedScenario,
    error: BenchError,
    devices: tuple[DeviceRecord, ...] = (),
) -> ScenarioRecord:
    """The bench failed before the scenario began."""
    virtual = order.station.clock_source is ClockSource.VIRTUAL
    at = format_instant(prepared.scenario.start if virtual else WallClock().now())
    return replace(
        not_run_record(order, prepared, "", devices=devices),
        verdict=Verdict.BENCH_ERROR.label,
        mismatches=(f"{error}; {error.hint}" if error.hint else str(error),),
        started=at,
        ended=at,
    )


def not_run_record(
    order: Order,
    prepared: PreparedScenario,
    reason: str,
    operator: tuple[OperatorRecord, ...] = (),
    devices: tuple[DeviceRecord, ...] = (),
) -> ScenarioRecord:
    """`devices`: those that may have answered before it was given up."""
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
        devices=devices,
        account="",
        keys={},
        wake_ups=0,
        faults=(),
        replay=order.replay(scenario.scenario),
        not_run=reason,
        operator=operator,
    )


def _kit(station: Station, records: list[ScenarioRecord]) -> str:
    """What the run rests on, by what every device said of itself, not by what the file hopes."""
    said = kit_of(device for record in records for device in record.devices)
    return said or (UNHEARD if station.real else "EMULATED")


def run_record(
    order: Order,
    suite: str,
    chosen: list[PreparedScenario],
    records: list[ScenarioRecord],
    stopped: str,
    began: Micros,
) -> RunRecord:
    """`began`: by the wall clock, when its first process did."""
    verdicts = [Verdict[r.verdict.upper().replace("-", "_")] for r in records if not r.not_run]
    if stopped or not verdicts:
        verdicts.append(Verdict.INCONCLUSIVE)
    strategies = {strategy_record(each.strategy).key: each.strategy for each in chosen}
    return RunRecord(
        suite=suite,
        station=order.station.station,
        kit=_kit(order.station, records),
        clock=order.station.clock_source,
        seed=order.seed,
        tool=tool_version(),
        commit=tool_commit(),
        started=_started(order.station, chosen, records) or format_instant(began),
        verdict=max(verdicts).label,
        scenarios=tuple(records),
        certificates=certificates_of(records, lambda wanted: strategies[wanted.key]),
        stopped=stopped,
        tolerance_s=order.tolerance / SECOND,
        instruments=instruments_of(order.station),
        parameters={key: parameters_of(each) for key, each in strategies.items()},
        caught=tuple(
            (record.name, f"{record.deviant}: {_caught_by(record, each.scenario)}")
            for record, each in zip(records, chosen, strict=True)
            if record.deviant and record.verdict == Verdict.PASS.label
        ),
    )


def _started(
    station: Station, chosen: list[PreparedScenario], records: list[ScenarioRecord]
) -> str:
    """On a virtual clock the earliest start a scenario asks for, else when the first one began;
    empty where none did.
    """
    if station.clock_source is ClockSource.VIRTUAL:
        return format_instant(min((p.scenario.start for p in chosen), default=0))
    return min((record.started for record in records if record.started), default="")


def _caught_by(record: ScenarioRecord, scenario: Scenario) -> str:
    verdicts = {rule: worst_verdict(counts) for rule, counts in record.rules.items()}
    caught = [f"{name} {what}" for name, found in scenario.expect.found.items() for what in found]
    caught += [f"{rule} {verdict}" for rule, verdict in verdicts.items() if verdict != "passed"]
    blamed = scenario.expect.bench_error
    return ", ".join([*caught, f"bench error: {blamed}"] if blamed else caught)

"""Runs a suite: each scenario alone in its own world, judged by the checker and by the truth."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from bench.certificate import certificates_of, in_doubt, strategy_record, worst_verdict
from bench.clock import Cancellation, Cancelled, WallClock
from bench.conformance.checker import Checker
from bench.effects import Waiting
from bench.errors import BenchError, UsageError
from bench.evidence.contents import CLOCK, RESULT
from bench.evidence.inputs import InputCopies
from bench.evidence.recording import SPAN, Recording
from bench.evidence.signing import Signer, canonical
from bench.expectations import key_held, mismatches, unknowable
from bench.journal.run_head import Ordered, RunHead
from bench.journal.run_journal import RunJournal, journalled
from bench.journal.store import JournalFailed
from bench.ledger import beside, read_ledger
from bench.ledger_keeping import enter, spared
from bench.operator import Nobody, Operator
from bench.place_lending import lent
from bench.report.story import story
from bench.result import (
    DeviceRecord,
    InstrumentRecord,
    OperatorRecord,
    RunRecord,
    ScenarioRecord,
    parameters_of,
    to_json,
)
from bench.run_identity import head_of
from bench.scenario_run import Ran, run_scenario
from bench.shipped import find
from bench.stage_checks import OtherDevice
from bench.station import read_station
from bench.station.fitting import fitted, irreversible_on
from bench.station.form import DIRECT, ClockSource, Station
from bench.suite import Scenario
from bench.suite_reading import Forced, PreparedScenario, read_suite
from bench.tool_identity import tool_commit, tool_version
from bench.trace import Attempt, Event
from bench.units import MILLISECOND, SECOND, Micros, format_instant
from bench.verdict import Verdict
from bench.watching import WAS_NOT_RUN, OpenWatch, Unwatched

TOLERANCE = 60 * SECOND
CAPTURES = "captures"

TakenUp = Callable[[RunHead], RunJournal]
"""Gives the journal of a stopped run, compared with what the run would be now."""


Progress = Callable[[int, int, str], None]
"""Called before each scenario: how many are done, how many there are, which is next."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: a suite file as the user named it, a choice of its scenarios, a seed.

    `tolerance`: T of docs/trace.md, by which waits are judged; shorter than the waits of the
    strategy, or none of them could be wrong. `operator`: who is asked at the bench. `signer`: signs
    the run's checkpoints while it goes on. `yes`: nobody is asked before what cannot be undone.
    """

    suite: Path
    named: str
    seed: int
    only: tuple[str, ...] = ()
    forced: Forced = field(default_factory=Forced)
    station: Station = DIRECT
    station_named: str = ""
    tolerance: Micros = TOLERANCE
    operator: Operator = field(default_factory=Nobody)
    signer: Signer | None = None
    yes: bool = False

    @property
    def ordered(self) -> Ordered:
        """As it stands in the journal."""
        forced = self.forced
        overlay = None if forced.overlay is None else str(forced.overlay)
        return Ordered(
            folder=str(Path.cwd()),
            suite=str(self.suite),
            named=self.named,
            station=self.station_named,
            seed=self.seed,
            only=self.only,
            mehrs=forced.mehrs,
            mam=forced.mam,
            overlay=overlay,
            tolerance=self.tolerance,
            yes=self.yes,
            signed="" if self.signer is None else self.signer.key_id,
        )

    def replay(self, scenario: str) -> str:
        """The one command that runs this scenario again, to the byte."""
        words = ["smets1-bench", "run", self.named, "--scenario", scenario]
        for option, value in (
            ("--station", self.station_named or None),
            ("--mehrs", self.forced.mehrs),
            ("--mam", self.forced.mam),
            ("--overlay", self.forced.overlay),
            ("--tolerance", None if self.tolerance == TOLERANCE else _span(self.tolerance)),
        ):
            if value is not None:
                words += [option, str(value)]
        return shlex.join([*words, "--seed", str(self.seed)])


def order_again(ordered: Ordered, signer: Signer | None = None) -> Order:
    """The order of a run as its journal has it; nobody is there to be asked yet."""
    forced = Forced(
        ordered.mehrs, ordered.mam, None if ordered.overlay is None else Path(ordered.overlay)
    )
    order = Order(
        find("suites", ordered.suite),
        ordered.named,
        ordered.seed,
        ordered.only,
        forced,
        tolerance=ordered.tolerance,
        signer=signer,
        yes=ordered.yes,
    )
    if not ordered.station:
        return order
    station = read_station(find("stations", ordered.station))
    return replace(order, station=station, station_named=ordered.station)


def _span(span: Micros) -> str:
    """As the command line takes it."""
    seconds, rest = divmod(span, SECOND)
    return f"{span // MILLISECOND}ms" if rest else f"{seconds}s"


def run_suite(
    order: Order,
    place: Path | Callable[[], Path],
    *,
    progress: Progress | None = None,
    cancellation: Cancellation | None = None,
    taken_up: TakenUp | None = None,
    watched: OpenWatch | None = None,
) -> RunRecord:
    """Runs the suite and writes `trace.jsonl`, `result.json`, the captures of every line and what
    evidence needs (`bench.evidence`) into the folder at `place`.

    A function that makes the folder is called once the suite was read and found to be right.

    The trace grows event by event. A cancelled run keeps what is done; the rest is *not run*,
    also the scenario that was under way, whose events up to then are in the trace.
    A journal is kept of all of it; `taken_up` is that of a run that was stopped, which goes on.
    Raises `UsageError` before anything is run, or where the run to be taken up has moved;
    `BenchError` when the folder cannot be written, or a port was lost: the run can be taken up.
    """
    inputs = InputCopies()
    with inputs.taking():
        return _run_suite(order, place, inputs, progress, cancellation, taken_up, watched)


def _run_suite(
    order: Order,
    place: Path | Callable[[], Path],
    inputs: InputCopies,
    progress: Progress | None,
    cancellation: Cancellation | None,
    taken_up: TakenUp | None,
    watched: OpenWatch | None,
) -> RunRecord:
    suite, wanted = read_suite(order.suite, order.forced, order.only)
    last = sorted(wanted, key=lambda each: bool(irreversible_on(each, order.station)))
    chosen = [fitted(each, order.station, order.operator, yes=order.yes) for each in last]
    ledger = None
    if order.station.real and order.station_named:
        ledger = read_ledger(beside(find("stations", order.station_named)))
        chosen = [spared(each, order.station, ledger) for each in chosen]
    folder = place if isinstance(place, Path) else place()
    span = SPAN if order.station.clock_source is ClockSource.WALL else None
    head = head_of(order.ordered, order.station, chosen)
    failure: BenchError | None = None
    with ExitStack() as stack:
        stack.enter_context(_said_of(folder))
        folder.mkdir(parents=True, exist_ok=True)
        if taken_up is not None:
            journal = taken_up(head)
        else:
            journal = stack.enter_context(journalled(folder, head, WallClock().now()))
            _forget_captures(folder)
        order = replace(order, station=stack.enter_context(lent(order.station, folder)))
        watch = watched(folder, suite, len(chosen)) if watched is not None else Unwatched()
        with Recording(folder, order.signer, span, again=taken_up is not None) as recording:
            records: list[ScenarioRecord] = []
            clocks: dict[str, object] = {}
            line, stopped = 0, ""
            for done, scenario in enumerate(chosen):
                if progress is not None:
                    progress(done, len(chosen), scenario.scenario.scenario)
                if scenario.not_run:
                    records.append(_not_run(order, scenario, scenario.not_run))
                    watch.ended(WAS_NOT_RUN)
                    continue
                watch.begins(
                    scenario.scenario.scenario,
                    scenario.scenario.about,
                    line + 1,
                    scenario.strategy,
                    strategy_record(scenario.strategy),
                    order.tolerance,
                )

                def told(event: Event) -> None:
                    recording.write(event)
                    watch.saw(event)

                try:
                    ran, stopped = _run_until_stopped(
                        order, scenario, cancellation, folder, told, watch.waits, journal
                    )
                except JournalFailed:
                    raise
                except BenchError as error:
                    if journal.has_begun(scenario.scenario.scenario):
                        if isinstance(error, OtherDevice):
                            raise UsageError(
                                f"cannot be resumed: {error}", hint=error.hint
                            ) from None
                        raise
                    records.append(_unstaged(order, scenario, error))
                    watch.ended(records[-1].verdict)
                    continue
                if ran is not None and ledger is not None:
                    enter(ledger, ran, order.station)
                if ran is not None and ran.clock_evidence is not None:
                    clocks[scenario.scenario.scenario] = ran.clock_evidence
                if ran is None or stopped:
                    failure = ran.failure if ran is not None else None
                    reason = f"the run was stopped: {stopped}"
                    records += [_not_run(order, each, reason) for each in chosen[done:]]
                    break
                if ran.not_run:
                    records.append(_not_run(order, scenario, ran.not_run, _operator_records(ran)))
                    watch.ended(WAS_NOT_RUN)
                    continue
                records.append(_record(order, ran, line + 1))
                watch.ended(records[-1].verdict)
                line += len(ran.events)
            recording.finish()
        record = _run_record(order, suite, chosen, records, stopped)
        if order.station_named:
            inputs.take_station(find("stations", order.station_named))
        inputs.store(folder)
        (folder / CLOCK).write_bytes(canonical({"clock": record.clock, "scenarios": clocks}))
        unfinished = folder / f"{RESULT}.unfinished"
        unfinished.write_text(to_json(record), encoding="utf-8", newline="\n")
        unfinished.replace(folder / RESULT)  # whole or not at all
        if not stopped:
            journal.finish(record.verdict, WallClock().now())
        watch.closes(record.verdict, record.kit, stopped)
    if failure is not None:
        raise failure
    return record


@contextmanager
def _said_of(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BenchError(
            f"{folder}: cannot be written: {error.strerror}",
            hint="choose another folder with --out, or make room on the disk",
        ) from error


def _forget_captures(folder: Path) -> None:
    """A capture is added to, and must not go on from a run before."""
    for capture in (folder / CAPTURES).glob("*.jsonl"):
        capture.unlink()


def _run_until_stopped(
    order: Order,
    scenario: PreparedScenario,
    cancellation: Cancellation | None,
    folder: Path,
    told: Callable[[Event], None],
    waiting: Waiting,
    journal: RunJournal,
) -> tuple[Ran | None, str]:
    """What the scenario left behind, if it began; and why it was stopped, if it was."""
    try:
        ran = run_scenario(
            scenario,
            order.seed,
            cancellation,
            order.station,
            operator=order.operator,
            captures=folder,
            told=told,
            waiting=waiting,
            journal=journal,
        )
    except Cancelled as cancelled:
        return None, cancelled.reason
    return ran, ran.cancelled


def run_prepared(order: Order, prepared: PreparedScenario) -> ScenarioRecord:
    """Runs one scenario and judges it, without writing anything."""
    held = fitted(prepared, order.station, order.operator, yes=order.yes)
    if held.not_run:
        return _not_run(order, held, held.not_run)
    ran = run_scenario(held, order.seed, station=order.station, operator=order.operator)
    return _not_run(order, held, ran.not_run) if ran.not_run else _record(order, ran, first_line=1)


def _record(order: Order, ran: Ran, first_line: int) -> ScenarioRecord:
    checker = Checker(ran.prepared.strategy, order.tolerance)
    for line, event in enumerate(ran.events, first_line):
        checker.feed(event, line)
    judgement = checker.finish()
    counts = {rule: count.as_json() for rule, count in judgement.rules.items()}
    rules = {rule: worst_verdict(count) for rule, count in counts.items()}
    migration = ran.migration
    if ran.bench_error or migration is None:
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
        operator=_operator_records(ran),
    )


def _instruments(station: Station) -> tuple[InstrumentRecord, ...]:
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
    at, instruments = format_instant(ran.started), _instruments(order.station)
    devices = ran.prepared.installation.devices
    return [said for device in devices for said in in_doubt(instruments, device.name, at)]


def _operator_records(ran: Ran) -> tuple[OperatorRecord, ...]:
    return tuple(
        OperatorRecord(
            reply.step.step, reply.step.ask, reply.answer, reply.by, format_instant(reply.at)
        )
        for reply in ran.replies
    )


def _device_records(ran: Ran) -> tuple[DeviceRecord, ...]:
    records = []
    for device in ran.prepared.installation.devices:
        identity = ran.identities.get(device.name)
        read_back = {} if identity is None else {k: str(v) for k, v in asdict(identity).items()}
        assert ran.after is not None
        keys = {str(s): k.check_value for s, k in ran.after.devices[device.name].keys.items()}
        emulated = bool(ran.emulated.get(device.name, True))
        records.append(DeviceRecord(device.name, device.role, read_back, keys, emulated))
    return tuple(records)


def _unstaged(order: Order, prepared: PreparedScenario, error: BenchError) -> ScenarioRecord:
    """The bench failed before the scenario began."""
    virtual = order.station.clock_source is ClockSource.VIRTUAL
    at = format_instant(prepared.scenario.start if virtual else WallClock().now())
    return replace(
        _not_run(order, prepared, ""),
        verdict=Verdict.BENCH_ERROR.label,
        mismatches=(f"{error}; {error.hint}" if error.hint else str(error),),
        started=at,
        ended=at,
    )


def _not_run(
    order: Order,
    prepared: PreparedScenario,
    reason: str,
    operator: tuple[OperatorRecord, ...] = (),
) -> ScenarioRecord:
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
        operator=operator,
    )


def _kit(station: Station, records: list[ScenarioRecord]) -> str:
    """What the run rests on, by what every device said of itself, not by what the file hopes."""
    said = {
        None if not device.emulated and not device.identity else device.emulated
        for record in records
        for device in record.devices
    }
    if not said:
        return "EMULATED" if not station.real else "MIXED"
    if said == {True}:
        return "EMULATED"
    return "REAL" if said == {False} else "MIXED"


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
    strategies = {strategy_record(each.strategy).key: each.strategy for each in chosen}
    return RunRecord(
        suite=suite,
        station=order.station.station,
        kit=_kit(order.station, records),
        clock=order.station.clock_source,
        seed=order.seed,
        tool=tool_version(),
        commit=tool_commit(),
        started=_started(order.station, chosen, records),
        verdict=max(verdicts).label,
        scenarios=tuple(records),
        certificates=certificates_of(records, lambda wanted: strategies[wanted.key]),
        stopped=stopped,
        tolerance_s=order.tolerance / SECOND,
        instruments=_instruments(order.station),
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
    """On a virtual clock the earliest start a scenario asks for, else when the first one began."""
    if station.clock_source is ClockSource.VIRTUAL:
        return format_instant(min((p.scenario.start for p in chosen), default=0))
    return min((record.started for record in records if record.started), default="")


def _caught_by(record: ScenarioRecord, scenario: Scenario) -> str:
    verdicts = {rule: worst_verdict(counts) for rule, counts in record.rules.items()}
    caught = [f"{name} {what}" for name, found in scenario.expect.found.items() for what in found]
    caught += [f"{rule} {verdict}" for rule, verdict in verdicts.items() if verdict != "passed"]
    return ", ".join(caught)

"""Runs a suite: each scenario alone in its own world, judged by the checker and by the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from bench.bench_faults import STOPPED
from bench.certificate import strategy_record
from bench.clock import Cancellation, Cancelled, WallClock
from bench.devices import Identity
from bench.effects import Waiting
from bench.errors import BenchError, UsageError
from bench.evidence.contents import CLOCK, RESULT
from bench.evidence.inputs import InputCopies
from bench.evidence.recording import SPAN, Recording
from bench.evidence.signing import canonical
from bench.journal.run_head import RunHead
from bench.journal.run_journal import RunJournal, journalled
from bench.journal.store import JournalFailed
from bench.keys_left import KeysLeft
from bench.ledger import beside, read_ledger
from bench.ledger_keeping import LedgerKeeping
from bench.order import Order
from bench.place_lending import lent
from bench.result import (
    RunRecord,
    ScenarioRecord,
    to_json,
)
from bench.run_identity import head_of
from bench.run_record import (
    heard_before,
    not_run_record,
    operator_records,
    run_record,
    scenario_record,
    stopped_with,
    unstaged_record,
)
from bench.scenario.ran import Ran
from bench.scenario.run import Lost, run_scenario
from bench.shipped import find
from bench.stage_checks import OtherDevice
from bench.station.fitting import fitted, irreversible_on
from bench.station.form import ClockSource
from bench.suite_reading import PreparedScenario, read_suite
from bench.trace import Event
from bench.watching import WAS_NOT_RUN, OpenWatch, Unwatched, Watch

CAPTURES = "captures"


class RunInterrupted(BenchError):
    """What a run rests on was lost in the middle of it, so that it can be taken up again.

    `record`: what there is until then, which is in its folder as well.
    """

    def __init__(self, failure: BenchError, folder: Path, record: RunRecord) -> None:
        super().__init__(
            f"{failure}: the run was stopped, and nothing is forgotten",
            hint=_how_to_go_on(failure, folder),
        )
        self.record = record


def _how_to_go_on(failure: BenchError, folder: Path) -> str:
    before = f"{failure.hint}; then " if failure.hint else ""
    return f"{before}go on with: smets1-bench resume {folder}"


TakenUp = Callable[[RunHead], RunJournal]
"""Gives the journal of a stopped run, compared with what the run would be now."""


Progress = Callable[[int, int, str], None]
"""Called before each scenario: how many are done, how many there are, which is next."""


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
    `RunInterrupted` when a port was lost: the run can be taken up; `BenchError` when the folder
    or the journal cannot be written.
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
    folder = place if isinstance(place, Path) else place()
    span = SPAN if order.station.clock_source is ClockSource.WALL else None
    head = head_of(order.ordered, order.station, chosen)
    failure: BenchError | None = None
    with ExitStack() as stack:
        elsewhere = "choose another folder with --out, or make room on the disk"
        stack.enter_context(_said_of(folder, elsewhere))
        folder.mkdir(parents=True, exist_ok=True)
        if taken_up is not None:
            journal = taken_up(head)
        else:
            journal = stack.enter_context(journalled(folder, head, WallClock().now()))
            _forget_captures(folder)
        resume = f"make room on the disk, then go on with: smets1-bench resume {folder}"
        stack.enter_context(_said_of(folder, resume))
        order = replace(order, station=stack.enter_context(lent(order.station, folder)))
        keeping = LedgerKeeping(ledger, order.station, journal, folder)
        left = KeysLeft(journal)
        watch = watched(folder, suite, len(chosen)) if watched is not None else Unwatched()
        if taken_up is not None:
            stack.push(_withdrawing(watch))
        with Recording(folder, order.signer, span, again=taken_up is not None) as recording:
            records: list[ScenarioRecord] = []
            clocks: dict[str, object] = {}
            line, stopped = 0, ""
            for done, asked in enumerate(chosen):
                if progress is not None:
                    progress(done, len(chosen), asked.scenario.scenario)
                scenario = left.spare(keeping.spare(asked))
                if scenario.not_run:
                    records.append(not_run_record(order, scenario, scenario.not_run))
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

                heard: dict[str, Identity | None] = {}

                def told(event: Event) -> None:
                    recording.write(event)
                    watch.saw(event)

                try:
                    ran, stopped, failure = _run_until_stopped(
                        replace(order, station=keeping.begin(scenario)),
                        scenario,
                        cancellation,
                        folder,
                        told,
                        watch.waits,
                        journal,
                        heard,
                    )
                except JournalFailed:
                    raise
                except BenchError as error:
                    if journal.has_begun(scenario.scenario.scenario):
                        if isinstance(error, OtherDevice):
                            raise UsageError(
                                f"cannot be resumed: {error}", hint=error.hint
                            ) from None
                        error.hint = _how_to_go_on(error, folder)
                        raise
                    devices = heard_before(order.station, scenario, heard)
                    records.append(unstaged_record(order, scenario, error, devices))
                    watch.ended(records[-1].verdict)
                    continue
                if ran is not None:
                    keeping.enter(ran)
                    left.enter(ran)
                if ran is not None and ran.clock_evidence is not None:
                    clocks[scenario.scenario.scenario] = ran.clock_evidence
                devices = (
                    heard_before(order.station, scenario, heard)
                    if ran is None
                    else stopped_with(ran)
                )
                if ran is None or stopped:
                    reason = f"the run was stopped: {stopped}"
                    records.append(not_run_record(order, asked, reason, devices=devices))
                    records += [not_run_record(order, each, reason) for each in chosen[done + 1 :]]
                    break
                if ran.not_run:
                    records.append(
                        not_run_record(order, scenario, ran.not_run, operator_records(ran), devices)
                    )
                    watch.ended(WAS_NOT_RUN)
                    continue
                records.append(scenario_record(order, ran, line + 1))
                watch.ended(records[-1].verdict)
                line += len(ran.events)
            recording.finish()
        record = run_record(order, suite, chosen, records, stopped, journal.began)
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
    if isinstance(failure, JournalFailed):
        raise failure
    if failure is not None:
        raise RunInterrupted(failure, folder, record)
    return record


def _withdrawing(watch: Watch) -> Callable[..., None]:
    """For an `ExitStack`: whoever looks on is told where the block raises."""

    def leave(raised: type[BaseException] | None, *_: object) -> None:
        if raised is not None:
            watch.withdraws()

    return leave


@contextmanager
def _said_of(folder: Path, hint: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BenchError(f"{folder}: cannot be written: {error.strerror}", hint=hint) from error


def _forget_captures(folder: Path) -> None:
    """A capture is added to, and must not go on from a run before; nor what stopped that."""
    (folder / STOPPED).unlink(missing_ok=True)
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
    heard: dict[str, Identity | None],
) -> tuple[Ran | None, str, BenchError | None]:
    """What the scenario left behind, if it began; why it was stopped, if it was; and what was lost,
    if that is why.
    """
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
            heard=heard,
        )
    except Lost as lost:
        if isinstance(lost.failure, JournalFailed):
            raise lost.failure from None
        return None, lost.reason, lost.failure
    except Cancelled as cancelled:
        return None, cancelled.reason, None
    return ran, ran.cancelled, ran.failure


def run_prepared(order: Order, prepared: PreparedScenario) -> ScenarioRecord:
    """Runs one scenario and judges it, without writing anything."""
    held = fitted(prepared, order.station, order.operator, yes=order.yes)
    if held.not_run:
        return not_run_record(order, held, held.not_run)
    ran = run_scenario(held, order.seed, station=order.station, operator=order.operator)
    return (
        not_run_record(order, held, ran.not_run)
        if ran.not_run
        else scenario_record(order, ran, first_line=1)
    )

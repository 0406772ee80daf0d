"""Runs one scenario on a stage set for it, and keeps what it left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

from bench.bench_faults import BenchFaults, note_stopping
from bench.clock import Cancellation, Cancelled
from bench.deviant_s1sps import s1sp_called
from bench.devices import Identity, KeySlot, Meter
from bench.effects import Act, Effects, Waiting
from bench.emulation import FaultSpec, Truth
from bench.errors import BenchError, PeerError
from bench.fault_catalogue import ADAPTER_GONE
from bench.journal.run_journal import RunJournal
from bench.migration.defaults import with_overrides
from bench.migration.process import migrate
from bench.operator import Nobody, Occasion, Operator
from bench.restoring import restore, with_other_keys
from bench.safe_state import SafeState
from bench.scenario.guarding import guard, mains_cut, supply_watched
from bench.scenario.keeping import Keeping, Kept, Unkept, in_journal
from bench.scenario.preconditions import endangered, prepare_account, unmet
from bench.scenario.ran import Ran, Reply
from bench.scenario.script import Script
from bench.soaking import soak
from bench.staging import Plot, Stage, set_stage
from bench.station.form import DIRECT, Station
from bench.suite_reading import PreparedScenario
from bench.timekeeping import Timekeeper, judged_spans, stamps_of
from bench.trace import Event
from bench.units import Micros, format_duration


class Lost(Cancelled):
    """What the scenario rests on, a port or the journal, was lost outside its process.

    It can be taken up again.
    """

    def __init__(self, failure: BenchError) -> None:
        super().__init__(str(failure))
        self.failure = failure


def run_scenario(
    prepared: PreparedScenario,
    seed: int,
    cancellation: Cancellation | None = None,
    station: Station = DIRECT,
    *,
    operator: Operator | None = None,
    captures: Path | None = None,
    told: Callable[[Event], None] | None = None,
    waiting: Waiting | None = None,
    journal: RunJournal | None = None,
    heard: dict[str, Identity | None] | None = None,
) -> Ran:
    """Sets the scenario's stage, migrates, looks at the truth, returns the kit as agreed.

    On an emulated station the same scenario and seed give the same events, byte for byte.
    `captures`: the run's folder, which gets a capture of every line. `told` is given each event of
    the trace as it comes, `waiting` each wait before it begins. Cancelled in the middle, it
    keeps what happened until then (`Ran.cancelled`); cancelled before, it raises `Cancelled`.
    `heard` gets the devices that may have answered (`Plot.heard`), whatever is raised.
    Raises `BenchError` and `UsageError` where the stage cannot be set; then nothing was begun; and
    `Lost`, a `Cancelled`, where a port or the journal was lost after that.
    With a `journal` everything is kept there, and a scenario that was begun before is taken up
    where it was. Raises `JournalFailed` where what it did cannot be done over.
    """
    run = cancellation or Cancellation()
    with _under(run) as own:
        plot = Plot(prepared, station, seed, captures, heard={} if heard is None else heard)
        stage = set_stage(plot if journal is None else in_journal(plot, journal), own)
        keeping = Unkept(stage) if journal is None else Kept(stage, journal, own, run)
        specs = [fault.spec for fault in prepared.scenario.faults]
        faults = BenchFaults(specs, captures, prepared.scenario.scenario)
        try:
            with SafeState(captures) if captures is not None else nullcontext() as safe_state:
                if safe_state is not None:
                    guard(stage, safe_state, own, faults)
                return _play(stage, own, run, operator or Nobody(), told, waiting, keeping, faults)
        except Cancelled:
            if keeping.failure is not None:
                raise Lost(keeping.failure) from None
            raise
        finally:
            if keeping.failure is not None:
                _note_adapter_gone(stage)
            stage.close()


def _note_adapter_gone(stage: Stage) -> None:
    """Where a fault pulled it, which is not to pull it again when the run is taken up."""
    plot, unstruck = stage.plot, stage.unstruck()
    for number, entry in enumerate(plot.prepared.scenario.faults):
        if entry.fault == ADAPTER_GONE and entry.spec not in unstruck:
            note_stopping(plot.captures, plot.prepared.scenario.scenario, number)


class _Own(Cancellation):
    def __init__(self, run: Cancellation) -> None:
        super().__init__()
        self._run = run

    def check(self) -> None:
        self._run.check()
        super().check()


@contextmanager
def _under(run: Cancellation) -> Iterator[Cancellation]:
    """A token of the scenario's own, cancelled with the run's."""
    own = _Own(run)

    def cancel() -> None:
        own.cancel(run.reason or "stopped")

    run.check()
    run.on_cancel(cancel)
    try:
        yield own
    finally:
        run.forget(cancel)


def _play(
    stage: Stage,
    own: Cancellation,
    run: Cancellation,
    operator: Operator,
    told: Callable[[Event], None] | None,
    waiting: Waiting | None,
    keeping: Keeping,
    faults: BenchFaults,
) -> Ran:
    prepared = stage.plot.prepared
    scenario = prepared.scenario
    keeping.begin()
    unprepared = prepare_account(stage, keeping)
    stage.open_curtain(own)
    started, before = keeping.now(), keeping.truth("before")
    ran = Ran(prepared, started, stage.identities, before, secrets=stage.secrets)
    ran.emulated = {spec.name: stage.emulated(spec.name) for spec in prepared.installation.devices}
    ran.ended, ran.after = ran.started, ran.before
    if unprepared:
        ran.bench_error = unprepared
        return ran
    ran.denied = {name: reading.denied for name, reading in stage.read_back.items()}
    ran.not_run = endangered(stage) or unmet(stage, before)
    if ran.not_run:
        return ran
    ran.not_run = _ask(ran, operator, Occasion.BEFORE, own, keeping)
    if ran.not_run:
        return ran
    for meter in prepared.installation.meters:
        if meter.name in stage.read_back:
            look = partial(_counter_seen, cast(Meter, stage.devices[meter.name]))
            stage.keys.saw_counter(meter.name, keeping.look(f"key counter of {meter.name}", look))
    stage.arm(lines=not keeping.resumed)
    _limit_time(stage, ran.started, own)
    spans = judged_spans(prepared.strategy, prepared.installation.group)
    timekeeper = Timekeeper(stage.clock, spans, stamp=faults.stamps(stamps_of(stage.clock)))
    timekeeper.widen(keeping.look("clock uncertainty", lambda: timekeeper.of_waits))
    script = Script(stage, ran, timekeeper, faults.writing(told), keeping)
    s1sp = s1sp_called(scenario.s1sp)
    effects = Effects(
        clock=stage.clock,
        inbox=stage.inbox,
        devices=s1sp.devices(stage.devices),
        parties=s1sp.parties(stage.world.parties),
        keys=stage.keys,
        random_bytes=stage.fresh_key(),
        sink=s1sp.telling(script.take),
        observer=_observer(stage, ran),
        cancellation=own,
        recorder=keeping.recorder,
        waiting=waiting,
    )
    defaults = with_overrides(prepared.overrides)
    began_with = stage.keys.held()
    try:
        strategy = s1sp.strategy(prepared.strategy)
        with supply_watched(stage, ran), mains_cut(stage, keeping):
            ran.migration = migrate(effects, prepared.installation, strategy, defaults)
            if scenario.soak is not None:
                soak(effects, prepared.installation, scenario.soak)
        _ask(ran, operator, Occasion.AFTER, own, keeping)
    except BenchError as error:
        ran.bench_error = str(error)
    except Cancelled as cancelled:
        if run.reason is not None or keeping.failure is not None:
            ran.cancelled, ran.failure = cancelled.reason, keeping.failure
        else:
            ran.bench_error = f"the scenario was stopped: {cancelled.reason}"
    script.finish()
    ran.ended = keeping.now()
    ran.after = _with_wake_ups(stage, keeping.truth("after"), ran.acts)
    fates = partial(_fates, stage, faults, resumed=keeping.resumed)
    ran.unstruck, ran.unarmed = keeping.look("what the faults struck", fates)
    ran.denied = {name: reading.denied for name, reading in stage.read_back.items()}
    ran.process_acts = len(ran.acts)
    if ran.migration is not None and not ran.cancelled and scenario.preconditions.restore:
        ran.bench_error = ran.bench_error or restore(
            scenario.preconditions, effects, stage.world, prepared.installation, stage.held
        )
    other = with_other_keys(began_with, stage.keys.held(), stage.held)
    ran.left = tuple(name for name in other if name in stage.read_back)
    keeping.end()
    return ran


def _fates(
    stage: Stage, faults: BenchFaults, *, resumed: bool
) -> tuple[tuple[FaultSpec, ...], tuple[FaultSpec, ...]]:
    """The faults that struck nothing, and those of which nobody can say what they struck."""
    unarmed = stage.at_real_kit() if resumed else ()
    unstruck = (*stage.unstruck(), *faults.unstruck())
    return tuple(spec for spec in unstruck if spec not in unarmed), unarmed


def _counter_seen(meter: Meter) -> int:
    """The newest key command counter that a real meter has seen, in whatever run; 0: no answer."""
    try:
        return meter.key_state(KeySlot.SUA).counter
    except PeerError:
        return 0


def _ask(
    ran: Ran, operator: Operator, occasion: Occasion, cancellation: Cancellation, keeping: Keeping
) -> str:
    """Puts the scenario's questions of an occasion, until one is not answered as it needs.

    Returns why it cannot go on, or an empty string.
    """
    for step in ran.prepared.scenario.operator:
        if step.step is not occasion:
            continue
        said = keeping.look("operator", partial(operator.ask, step, cancellation))
        ran.replies.append(Reply(step, said.answer, said.by, keeping.now()))
        if said.answer != step.needed:
            got = f"the operator answered '{said.answer}'" if said.answer else "nobody answered"
            within = "" if said.answer else f" within {format_duration(step.within)}"
            return f"{got}{within} to: {step.ask}"
    return ""


def _with_wake_ups(stage: Stage, truth: Truth, acts: list[Act]) -> Truth:
    """Each SMS that was asked for was paid for; a real hub only counts those that arrived."""
    hub = stage.plot.prepared.installation.hub.name
    if hub not in stage.read_back:
        return truth
    sent = sum(act.operation == "wake" and not act.outcome for act in acts)
    devices = {**truth.devices, hub: replace(truth.devices[hub], wake_ups=sent)}
    return replace(truth, devices=devices)


def _limit_time(stage: Stage, started: Micros, own: Cancellation) -> None:
    """Stops the scenario when the station's time for it is up."""
    span = stage.plot.station.limits.scenario_time
    if span is not None:
        reason = f"the station's limit of {format_duration(span)} for a scenario is reached"
        stage.clock.call_at(started + span, lambda: own.cancel(reason))


def _observer(stage: Stage, ran: Ran) -> Callable[[Act], None]:
    """Keeps every act, and sends no SMS beyond the station's limit."""
    most = stage.plot.station.limits.wake_ups
    if most is None:
        return ran.acts.append
    sent = 0

    def observe(act: Act) -> None:
        nonlocal sent
        if act.operation == "wake" and not act.outcome:
            sent += 1
            if sent > most:
                raise BenchError(f"the station's limit of {most} wake-up SMS is reached")
        ran.acts.append(act)

    return observe

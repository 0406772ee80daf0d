"""Runs one scenario on a stage set for it, and keeps what it left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

from bench.bench_faults import BenchFaults, note_stopping
from bench.clock import Cancellation, Cancelled
from bench.conduct import Breach
from bench.deviant_s1sps import s1sp_called
from bench.devices import CommsHub, Device, Identity, KeySlot, Meter, RegisterReading, Role
from bench.effects import Act, Effects, Waiting
from bench.emulation import FaultSpec, Truth, Unknown
from bench.errors import BenchError, PeerError
from bench.fault_catalogue import ADAPTER_GONE
from bench.journal.gap import Gap
from bench.journal.run_journal import RunJournal
from bench.migration.defaults import with_overrides
from bench.migration.process import Migration, migrate
from bench.migration.sections import PROCESS
from bench.operator import Nobody, Occasion, Operator, OperatorStep
from bench.parties import Holder
from bench.power_cuts import PowerCuts
from bench.restoring import restore, with_other_keys
from bench.safe_state import GuardedHub, GuardedPowerSwitch, SafeState
from bench.scenario_keeping import Keeping, Kept, Unkept, in_journal
from bench.secret import Secret
from bench.soaking import soak
from bench.staging import Plot, Stage, set_stage
from bench.station.fitting import cut_at_the_relay
from bench.station.form import DIRECT, Station
from bench.station.port import Reach
from bench.suite_reading import PreparedScenario
from bench.supply_watch import SupplyWatch
from bench.timekeeping import Timekeeper, judged_spans, stamps_of
from bench.trace import Closed, Event, Opened, Outage
from bench.trace import Operator as OperatorEvent
from bench.units import Micros, format_duration, format_instant

ROTATION: Final = "2.6.4.1"


class Lost(Cancelled):
    """What the scenario rests on, a port or the journal, was lost outside its process.

    It can be taken up again.
    """

    def __init__(self, failure: BenchError) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Reply:
    """What a person was asked, what came back (empty: nothing in time), who said it and when."""

    step: OperatorStep
    answer: str
    by: str
    at: Micros


@dataclass(slots=True)
class Ran:
    """What a scenario left behind. `migration` None: the bench itself failed (`bench_error`), or
    a person said before it that it cannot be run (`not_run`).

    `failure`: why the bench stopped it (`cancelled`) in a way that it can be taken up again.
    `emulated`: per device, whether it is, by what it said of itself; None: it did not say.
    `clock_evidence`: how good the clock was (`bench.timekeeping`); None on a virtual one.
    `process_acts`: how many of the acts were the process's own; what follows returned the kit.
    `denied`: per device on a real port, how many keys it said no to when it was read back, since it
    last proved one. `witnessed`: what the reference meter saw of the meter that it measures.
    `left`: the meters on real ports that hold another key than they began with, or may hold it.
    `unarmed`: the faults of real lines and relays in a scenario that was taken up: what they struck
    before is not known, and from there on they struck nothing.
    """

    prepared: PreparedScenario
    started: Micros
    identities: dict[str, Identity]
    before: Truth
    events: list[Event] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    ended: Micros = 0
    after: Truth | None = None
    migration: Migration | None = None
    bench_error: str = ""
    cancelled: str = ""
    failure: BenchError | None = None
    not_run: str = ""
    unstruck: tuple[FaultSpec, ...] = ()
    process_acts: int | None = None
    denied: dict[str, int] = field(default_factory=dict)
    witnessed: list[Breach] = field(default_factory=list)
    left: tuple[str, ...] = ()
    unarmed: tuple[FaultSpec, ...] = ()
    emulated: dict[str, bool | None] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    clock_evidence: dict[str, Any] | None = None


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
                    _guard(stage, safe_state, own, faults)
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


def _guard(stage: Stage, safe_state: SafeState, own: Cancellation, faults: BenchFaults) -> None:
    """Real kit is left as it was found, whatever ends the scenario, also kill -9."""
    station, prepared = stage.plot.station, stage.plot.prepared
    board, entry = stage.kit.board, station.kit.relay_board
    if board is not None and entry is not None:
        relays = faults.relays(board, entry.feeds)
        switch = GuardedPowerSwitch(relays, entry.port, entry.profile, safe_state)
        named = prepared.scenario.faults
        cuts = [fault.spec for fault in named if cut_at_the_relay(fault, station)]
        stage.cuts = PowerCuts(cuts, entry.feeds, switch, stage.clock, own.cancel)
    hub = prepared.installation.hub
    reached = station.reached(hub.name)
    if reached.reach is Reach.REAL:
        device = cast(CommsHub, stage.devices[hub.name])
        guarded = GuardedHub(device, hub.name, hub.eui64, reached.port, reached.profile, safe_state)
        stage.devices[hub.name] = cast(Device, guarded)


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
    unprepared = _prepare_account(stage, keeping)
    stage.open_curtain(own)
    started, before = keeping.now(), keeping.truth("before")
    ran = Ran(prepared, started, stage.identities, before, secrets=stage.secrets)
    ran.emulated = {spec.name: stage.emulated(spec.name) for spec in prepared.installation.devices}
    ran.ended, ran.after = ran.started, ran.before
    if unprepared:
        ran.bench_error = unprepared
        return ran
    ran.denied = {name: reading.denied for name, reading in stage.read_back.items()}
    ran.not_run = _endangered(stage) or _unmet(stage, before)
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
    script = _Script(stage, ran, timekeeper, faults.writing(told), keeping)
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
        with _supply_watched(stage, ran), _mains_cut(stage, keeping):
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


@contextmanager
def _mains_cut(stage: Stage, keeping: Keeping) -> Iterator[None]:
    """Where a scenario is taken up again nobody knows what was cut, so nothing is."""
    cuts = stage.cuts
    if cuts is None or keeping.resumed:
        yield
        return
    cuts.begin()
    try:
        yield
    finally:
        cuts.end()
    if cuts.fault is not None:
        raise cuts.fault


@contextmanager
def _supply_watched(stage: Stage, ran: Ran) -> Iterator[None]:
    """In a soak: from the reference meter's own port, or that of the emulated feed."""
    plot = stage.plot
    if plot.prepared.scenario.soak is None:
        yield
        return
    kit = plot.station.kit.reference_meter
    if stage.kit.meter is not None and kit is not None:
        watch = SupplyWatch(kit.measures, stage.kit.meter.measure, stage.clock)
    else:
        name = plot.prepared.installation.with_role(Role.ELECTRICITY_METER)[0].name
        watch = SupplyWatch(name, partial(stage.world.measure, name), stage.clock)
    watch.begin()
    try:
        yield
    finally:
        watch.end()
    if watch.fault is not None:
        raise watch.fault
    read = [act.answer for act in ran.acts if act.target == watch.device]
    readings = [each for each in read if isinstance(each, RegisterReading)]
    ran.witnessed += watch.breaches(readings)


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


class _Script:
    """Takes the events of the process for the trace and puts a person's answers among them.

    What was answered before belongs to the passage that opens then. Where a person is asked at the
    end, the last `closed` is held back until the answers are there.
    """

    def __init__(
        self,
        stage: Stage,
        ran: Ran,
        timekeeper: Timekeeper,
        told: Callable[[Event], None],
        keeping: Keeping,
    ) -> None:
        self._stage = stage
        self._ran = ran
        self._now = keeping.now
        self._opened: Opened | None = None
        keeping.tell_gaps(self.gap)
        self._timekeeper = timekeeper
        self._listener = told
        steps = stage.plot.prepared.scenario.operator
        self._asks_after = any(each.step is Occasion.AFTER for each in steps)
        self._closing: Closed | None = None
        self._told = 0

    def take(self, event: Event) -> None:
        event = self._timekeeper.seen(event)
        if self._closing is not None:
            self._add(self._closing)
            self._closing = None
        if self._asks_after and isinstance(event, Closed):
            self._closing = event
        else:
            self._add(event)
        if isinstance(event, Opened):
            self._opened = event
            self._tell(event)
        self._stage.observe(event)

    def gap(self, gap: Gap) -> None:
        """The bench was down: said where it matters, once anything was opened."""
        if self._opened is not None:
            where = self._opened.installation
            for of in gap.outages:
                end = gap.end
                self._add(Outage(at=end, installation=where, from_=gap.start, to=end, of=of))

    def finish(self) -> None:
        """The process has ended, and everybody was asked."""
        if self._closing is not None:
            self._tell(self._closing)
            now = self._now()
            self._add(replace(self._closing, at=max(now, self._closing.at)))
            self._closing = None
        outage = self._timekeeper.outage(self._ran.events[-1]) if self._ran.events else None
        if outage is not None:
            self._add(outage)
        self._ran.clock_evidence = self._timekeeper.as_json()

    def _add(self, event: Event) -> None:
        self._ran.events.append(event)
        self._listener(event)

    def _tell(self, about: Event) -> None:
        replies, self._told = self._ran.replies[self._told :], len(self._ran.replies)
        for reply in replies:
            self._add(
                OperatorEvent(
                    at=max(about.at, reply.at),
                    installation=about.installation,
                    asked=reply.step.ask,
                    answer=reply.answer,
                    by=reply.by,
                    extra={"answered": format_instant(reply.at)},
                )
            )


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


def _endangered(stage: Stage) -> str:
    """Why the kit could be lost by this run: a key that only this process would know, mains off."""
    installation = stage.plot.prepared.installation
    faults, station = stage.plot.prepared.scenario.faults, stage.plot.station
    if stage.cuts is None and any(cut_at_the_relay(fault, station) for fault in faults):
        return "it cuts mains, and without a run's folder nothing would put them back"
    if all(section.section != ROTATION for section in PROCESS[installation.group]):
        return ""
    if stage.keys_survive or all(stage.emulated(device.name) for device in installation.meters):
        return ""
    return "it rotates keys of real meters, and no key store would keep them if the run died"


def _unmet(stage: Stage, before: Truth) -> str:
    """Why a real meter is not as the scenario takes it to be: it answers, and holds another key."""
    strangers = [
        meter.name
        for meter in stage.plot.prepared.installation.meters
        if (meter.name, KeySlot.SUA) in stage.held
        and stage.read_back.get(meter.name) is not None
        and Unknown.KEYS in before.devices[meter.name].unknown
        and stage.read_back[meter.name].denied
    ]
    if not strangers:
        return ""
    return (
        f"its preconditions do not hold: {' and '.join(strangers)} proved none of the keys that "
        "the bench has for it"
    )


def _prepare_account(stage: Stage, keeping: Keeping) -> str:
    """Brings the account to where the preconditions want it; returns why it is not there."""
    wanted = stage.plot.prepared.scenario.preconditions.account
    if wanted is Holder.SMSO:
        return ""
    try:
        keeping.request("SMSO", "transfer_account", stage.world.parties.smso.transfer_account)
    except PeerError as error:
        if stage.world.truth().account is not wanted:
            return f"the account could not be brought to the {wanted}: {error}"
    return ""


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

"""A scenario and the journal: what is kept of it, and how it is taken up again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeVar, cast

from bench.clock import Cancellation, PacedClock, WallClock
from bench.devices import Meter
from bench.effects import Recorder
from bench.emulation import Truth
from bench.errors import BenchError
from bench.journal.gap import Gap
from bench.journal.key_check import refuse_other_keys, refuse_strangers
from bench.journal.recorder import ReplayRefused
from bench.journal.run_journal import RunJournal
from bench.journal.stored_key_ring import StoredKeyRing
from bench.staging import Plot, Stage
from bench.station.form import ClockSource
from bench.units import Micros

T = TypeVar("T")
OnGap = Callable[[Gap], None]


class Keeping(Protocol):
    """What a scenario needs of a journal, whether there is one or not."""

    @property
    def recorder(self) -> Recorder | None:
        """What the process's effects pass through."""

    @property
    def resumed(self) -> bool:
        """Whether the scenario had begun before this process did."""

    @property
    def failure(self) -> BenchError | None:
        """Why the scenario was stopped so that it can be taken up again, if it was."""

    def begin(self) -> None:
        """Before anything is done. Raises `UsageError` where other devices answer than then."""

    def now(self) -> Micros: ...

    def look(self, what: str, call: Callable[[], T]) -> T:
        """Something the bench finds out beside the process, or what it found out then."""

    def truth(self, when: str) -> Truth:
        """What is really so, before or after; of a device on a real port what was read then."""

    def request(self, target: str, operation: str, call: Callable[[], T]) -> T:
        """An act of the bench's own, before the process begins."""

    def tell_gaps(self, on_gap: OnGap) -> None:
        """Whom to tell of the spans in which the bench was down."""

    def end(self) -> None:
        """After the last act. Raises `JournalFailed` where more was done then than now."""


class Unkept:
    """A scenario of which nothing is kept: gone with the process."""

    recorder: Recorder | None = None
    resumed = False
    failure: BenchError | None = None

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def begin(self) -> None:
        """Nothing to do."""

    def now(self) -> Micros:
        return self._stage.clock.now()

    def look(self, what: str, call: Callable[[], T]) -> T:
        return call()

    def truth(self, when: str) -> Truth:
        return self._stage.truth()

    def request(self, target: str, operation: str, call: Callable[[], T]) -> T:
        return call()

    def tell_gaps(self, on_gap: OnGap) -> None:
        """There are none."""

    def end(self) -> None:
        """Nothing to do."""


class Kept:
    """A scenario in the journal of a run."""

    def __init__(
        self, stage: Stage, journal: RunJournal, own: Cancellation, run: Cancellation
    ) -> None:
        self._stage = stage
        self._own = own
        self._ended = journal.recording(stage.plot.prepared.scenario.scenario).ended
        self._on_gap: OnGap | None = None
        world = stage.world_clock
        self._recorder = journal.recorder(
            stage.plot.prepared.scenario.scenario,
            clock=stage.clock,
            world=world if isinstance(world, PacedClock) else None,
            outside=frozenset(stage.read_back),
            cancellation=own,
            run=run,
            on_gap=self._gap,
            on_live=self._live,
        )

    @property
    def recorder(self) -> Recorder:
        return self._recorder

    @property
    def resumed(self) -> bool:
        return self._recorder.resumed

    @property
    def failure(self) -> BenchError | None:
        return self._recorder.failure

    def begin(self) -> None:
        stage = self._stage
        began = stage.clock.now() if stage.plot.began is None else stage.plot.began
        known = self._recorder.begin(began, stage.identities)
        if self.resumed and not self._ended:
            refuse_strangers(known, stage.refusing)
        stage.identities = {**known, **stage.identities}
        if self.resumed and not self._ended and stage.plot.key_store is not None:
            scenario = stage.plot.prepared.scenario
            ring = stage.plot.key_store.ring(scenario.scenario)
            meters = {
                device.name: cast(Meter, stage.devices[device.name])
                for device in stage.plot.prepared.installation.meters
                if device.name in stage.read_back and device.name not in scenario.preconditions.keys
            }
            refuse_other_keys(ring, meters)

    def now(self) -> Micros:
        return self._recorder.now()

    def look(self, what: str, call: Callable[[], T]) -> T:
        return self._recorder.look(what, call)

    def truth(self, when: str) -> Truth:
        stage = self._stage
        if self._own.reason is not None:
            return stage.world.truth()  # nobody is asked any more

        def read() -> tuple[Truth, dict[str, object]]:
            if isinstance(stage.world_clock, PacedClock):
                stage.world_clock.move_to(stage.clock.now())
            truth = stage.truth()
            return truth, {name: reading.first for name, reading in stage.read_back.items()}

        truth, first = self._recorder.look(f"truth {when}", read)
        for name, reading in stage.read_back.items():
            reading.recall(first[name])
        return truth

    def request(self, target: str, operation: str, call: Callable[[], T]) -> T:
        return self._recorder.request(target, operation, (), {}, call)

    def tell_gaps(self, on_gap: OnGap) -> None:
        self._on_gap = on_gap

    def end(self) -> None:
        self._recorder.end()
        if isinstance(self.failure, ReplayRefused):
            raise self.failure

    def _gap(self, gap: Gap) -> None:
        if self._on_gap is not None:
            self._on_gap(gap)

    def _live(self) -> None:
        if isinstance(self._stage.keys, StoredKeyRing):
            self._stage.keys.go_live(self._recorder.stop)


def in_journal(plot: Plot, journal: RunJournal) -> Plot:
    """The plot of a scenario of which a journal is kept: it began when it began first."""
    if plot.station.clock_source is ClockSource.VIRTUAL:
        return plot
    first = journal.recording(plot.prepared.scenario.scenario).first
    began = WallClock().now() if first is None else first.at
    return replace(plot, began=began, key_store=journal.keys if plot.station.real else None)

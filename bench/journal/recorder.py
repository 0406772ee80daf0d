"""Between a process and the world: writes down every act, and hands back what was written.

Given nothing recorded, each act is written as an *intent*, made, and its *result* written. Given
a recording, a fresh process that makes the same acts in the same order is handed their results
until the recording ends; from there on the acts are made. What does not match is refused.

What is *within* this process (emulated devices and parties, the inbox) died with the process that
recorded it. It is done over on the way: the same calls at the same instants give the same state,
and what it answers is compared with what was written. What is outside is never done over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, NoReturn, TypeVar

from bench.clock import Cancellation, Cancelled, Clock, PacedClock
from bench.devices import Identity
from bench.errors import BenchError, Interrupted, PeerError, PortGone, UsageError
from bench.journal.entry import KEYS, Entry, Kind
from bench.journal.gap import Gap, clock_is_synchronised, gap_between
from bench.journal.key_store import KeyStore
from bench.journal.moment import Moment, moment
from bench.journal.recording import Made, Recording
from bench.journal.repeating import REPEATABLE
from bench.journal.store import Journal, JournalDamaged, JournalFailed, JournalFull, Keep
from bench.journal.values import read, written
from bench.secret import Secret
from bench.units import Micros

T = TypeVar("T")


class How(Enum):
    """Where an act takes place, and so what becomes of one that was interrupted."""

    WITHIN = "in this process: done over"
    ASKED = "outside, safe to repeat: made again"
    CHANGES = "outside, changes something: ambiguous, for the process to settle"
    WAIT = "waiting: goes on until the same deadline"


class ReplayRefused(JournalFailed):
    """The process does not do over what it did: it, or what it runs on, is not the same."""


class Recorder:
    """The journal of one scenario; implements `bench.effects.Recorder`.

    `clock` is the process's. `world`: the clock of what is within, where that is another one.
    `outside`: the targets beyond this process. `keys`: where new keys are kept. `on_gap` is told
    of each span in which the bench was down, at the place of the acts where it belongs; `on_live`
    once, when the first act is made rather than handed back.

    `cancellation` is the scenario's, `run` the whole run's: once that is cancelled nothing more is
    written, and the scenario can be taken up where it was. So it is when the journal cannot be
    written, a port is gone or a recording does not fit: `failure` says why.
    """

    def __init__(
        self,
        journal: Journal,
        recording: Recording,
        *,
        clock: Clock,
        world: PacedClock | None,
        outside: frozenset[str],
        keys: KeyStore | None,
        cancellation: Cancellation,
        run: Cancellation,
        on_gap: Callable[[Gap], None],
        on_live: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._recording = recording
        self._clock = clock
        self._world = world
        self._outside = outside
        self._keys = keys
        self._cancellation = cancellation
        self._run = run
        self._on_gap = on_gap
        self._on_live = on_live
        self._live = False
        self._number = 0
        self._keep = Keep.GATHERED if world is None else Keep.COMMITTED
        self.failure: BenchError | None = None

    @property
    def resumed(self) -> bool:
        """Whether the scenario had begun before this process did."""
        return self._recording.last is not None

    def begin(self, began: Micros, identities: Mapping[str, Identity]) -> Mapping[str, Identity]:
        """Before the first act. Returns who the devices said they were when the scenario began.

        Raises `UsageError` where other devices answer than did then.
        """
        if self.resumed:
            refuse_other_devices(self._recording.identities, identities)
            return self._recording.identities
        name = self._recording.scenario
        self._write(Kind.SCENARIO, name, "", written(dict(identities)), at=began)
        self._go_live(None)
        return identities

    def end(self) -> None:
        """After the last act; its outcome is on the disk then, unless all could be done over."""
        if self._silent:
            return
        if self._number < len(self._recording.acts):
            self._refuse("nothing more", self._recording.acts[self._number])
        if not self._recording.ended:
            if not self._live:  # all was done: what is kept beside the journal may be behind it
                self._live = True
                self._on_live()
            body = written(self._cancellation.reason or "")
            keep = Keep.COMMITTED if self._world is None else Keep.SYNCED
            self._write(Kind.ENDED, self._recording.scenario, "", body, keep)

    @property
    def _silent(self) -> bool:
        return self.failure is not None or self._run.reason is not None

    def request(
        self,
        target: str,
        operation: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        call: Callable[[], T],
    ) -> T:
        """One request to a device or party. Raises what the request raises."""
        if target not in self._outside:
            how = How.WITHIN
        else:
            how = How.ASKED if operation in REPEATABLE else How.CHANGES
        return self._act(how, target, operation, written((args, kwargs)), call)

    @property
    def asked_at(self) -> Micros:
        """When the act that comes next was begun, or is now."""
        acts, number = self._recording.acts, self._number
        return acts[number].began.at if number < len(acts) else self._clock.now()

    @property
    def answered_at(self) -> Micros:
        """When the last act ended then, or has now."""
        acts, number = self._recording.acts, self._number
        ended = acts[number - 1].ended if 0 < number <= len(acts) else None
        return self._clock.now() if ended is None else ended.at

    def now(self) -> Micros:
        """The process's clock as it was read then, or is now."""
        return self.look("now", self._clock.now)

    def look(self, what: str, call: Callable[[], T]) -> T:
        """Something the bench finds out for itself; of a virtual stage it follows from the acts."""
        if self._world is None or self._silent:
            return call()
        seen: T = self._reading("bench", what, call, _same, _same)
        return seen

    def wait(self, until: Micros, call: Callable[[], None]) -> None:
        how = How.WITHIN if self._world is None else How.WAIT
        self._act(how, "clock", "sleep_until", written(until), call, until)

    def receive(self, kinds: tuple[type[object], ...], until: Micros, call: Callable[[], T]) -> T:
        arguments = written((kinds, until))
        return self._act(How.WITHIN, "inbox", "take", arguments, call, until)

    def forget_messages(self, call: Callable[[], None]) -> None:
        self._act(How.WITHIN, "inbox", "clear", "", call)

    def new_key(self, label: str, make: Callable[[], Secret]) -> Secret:
        """A new key; in the key store before anybody knows of it.

        Where everything is within, keys are seeded: the same are made over again.
        """
        store = self._keys
        if store is None:
            return self._act(How.WITHIN, KEYS, label, "", make)

        def keep() -> Secret:
            key = make()
            store.add(key)
            return key

        def find(check_value: str) -> Secret:
            return store.find(check_value, label)

        return self._reading(KEYS, label, keep, lambda key: key.check_value, find)

    # --- one act -------------------------------------------------------------------------------

    def _act(
        self,
        how: How,
        target: str,
        operation: str,
        arguments: str,
        call: Callable[[], T],
        due: Micros | None = None,
    ) -> T:
        made = self._next(target, operation, arguments)
        if made is not None and made.outcome is None and self._was_cut(made):
            self._stop_as_then()
        if made is not None and made.outcome is not None:
            if how is How.WITHIN:
                return self._do_over(made, call)
            handed_back: T = self._hand_back(made.outcome)
            return handed_back
        if made is None:
            self._go_live(None)
            began = self._clock.now()
            keep = Keep.SYNCED if how is How.CHANGES else self._keep
            self._write(Kind.INTENT, target, operation, arguments, keep, at=began)
        else:
            began = made.began.at
            if how is How.WITHIN and self._world is not None:
                self._world.move_to(began)
            self._go_live(due)
            if how is How.CHANGES:
                call = self._interrupted(target, operation)
        if how is How.WITHIN and self._world is not None:
            self._world.move_to(began)
        return self._make(target, operation, call)

    def _was_cut(self, made: Made) -> bool:
        """The scenario, not the bench, was stopped in this act."""
        return self._recording.ended or made is not self._recording.acts[-1]

    def _stop_as_then(self) -> NoReturn:
        reason = self._recording.stopped or "the scenario was stopped here"
        self._cancellation.cancel(reason)
        raise Cancelled(reason)

    def _make(self, target: str, operation: str, call: Callable[[], T]) -> T:
        try:
            result = call()
        except PortGone as error:
            self.stop(error)
        except (PeerError, BenchError) as error:
            self._write(Kind.RESULT, target, operation, written(error))
            raise
        self._write(Kind.RESULT, target, operation, written(result))
        return result

    def _reading(
        self,
        target: str,
        operation: str,
        call: Callable[[], T],
        kept: Callable[[T], object],
        found: Callable[[Any], T],
    ) -> T:
        made = self._next(target, operation, "")
        if made is not None:
            assert made.outcome is not None, "a reading is one entry"
            return found(self._read(made.outcome))
        self._go_live(None)
        try:
            result = call()
        except (JournalFull, PortGone) as error:
            self.stop(error)
        keep = Keep.SYNCED if target == KEYS else Keep.GATHERED
        self._write(Kind.READING, target, operation, written(kept(result)), keep)
        return result

    def _next(self, target: str, operation: str, arguments: str) -> Made | None:
        """The act of the recording whose turn it is; None beyond its end."""
        self._number += 1
        for gap in self._recording.gaps.get(self._number, ()):
            self._on_gap(gap)
        if self._number > len(self._recording.acts):
            if self._recording.ended:
                self._stop_as_then()
            return None
        made = self._recording.acts[self._number - 1]
        if (made.target, made.operation, made.arguments) != (target, operation, arguments):
            self._refuse(f"{target}.{operation} {arguments}", made)
        return made

    def _do_over(self, made: Made, call: Callable[[], T]) -> T:
        if self._world is not None:
            self._world.move_to(made.began.at)
        error: PeerError | BenchError | None = None
        result: Any = None
        try:
            result = call()
        except (PeerError, BenchError) as raised:
            error = raised
        outcome = written(result if error is None else error)
        if outcome != made.outcome:
            self.stop(
                ReplayRefused(
                    f"{self._place()}: {made.target}.{made.operation} done over gives {outcome}, "
                    f"and gave {made.outcome}",
                    hint="what is emulated is not what it was; run the suite anew",
                )
            )
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]

    def _hand_back(self, outcome: str) -> Any:
        value = self._read(outcome)
        if isinstance(value, PeerError | BenchError):
            raise value
        return value

    def _read(self, outcome: str) -> Any:
        try:
            return read(outcome)
        except ValueError as error:
            self.stop(JournalDamaged(f"{self._place()}: {error}"))

    def _interrupted(self, target: str, operation: str) -> Callable[[], Any]:
        def doubt() -> Any:
            raise Interrupted(target, operation, "the bench stopped in the middle of it")

        return doubt

    # --- from handing back to making -----------------------------------------------------------

    def _go_live(self, due: Micros | None) -> None:
        """From here on acts are made. `due`: the deadline of the wait that was interrupted."""
        if self._live:
            return
        self._live = True
        last = self._recording.last
        if self._world is not None:
            if last is not None:
                self._write_gap(last, due)
            self._world.follow()
        self._on_live()

    def _write_gap(self, last: Moment, due: Micros | None) -> None:
        """Of virtual time there is none: it stood still while nobody waited."""
        try:
            gap = gap_between(
                last, moment(self._clock.now()), due=due, synchronised=clock_is_synchronised()
            )
        except BenchError as error:
            self.stop(error)
        self._write(Kind.RESUMED, "", "", written(gap), Keep.SYNCED)
        self._on_gap(gap)

    # --- writing, and what stops the run -------------------------------------------------------

    def _write(
        self,
        kind: Kind,
        target: str,
        operation: str,
        body: str,
        keep: Keep | None = None,
        at: Micros | None = None,
    ) -> None:
        when = moment(self._clock.now() if at is None else at)
        entry = Entry(kind, self._number, target, operation, body, when)
        try:
            self._journal.add(entry, keep or self._keep)
        except JournalFull as error:
            self.stop(error)

    def _refuse(self, asked: str, made: Made) -> NoReturn:
        self.stop(
            ReplayRefused(
                f"{self._place()}: the process asks for something else than it did: "
                f"{made.target}.{made.operation} {made.arguments} then, {asked} now",
                hint="the run was made by another process definition or on something else",
            )
        )

    def _place(self) -> str:
        return f"{self._recording.scenario}: act {self._number}"

    def stop(self, error: BenchError) -> NoReturn:
        """Nothing may be done that cannot be written down: the run stops, to be taken up."""
        self.failure = error
        self._cancellation.cancel(str(error))
        raise Cancelled(str(error))


def _same(value: Any) -> Any:
    return value


def refuse_other_devices(then: Mapping[str, Identity], now: Mapping[str, Identity]) -> None:
    """Raises `UsageError` where another device is behind a port, or its firmware is another."""
    moved = [
        f"cannot be resumed: another device answers: {name}: {_said(then[name])} then, "
        f"{_said(identity)} now"
        for name, identity in now.items()
        if name in then and then[name] != identity
    ]
    if moved:
        raise UsageError(moved, hint="plug back what was there when the run began")


def _said(identity: Identity) -> str:
    return f"{identity.eui64} {identity.serial_number} {identity.model} {identity.firmware}"

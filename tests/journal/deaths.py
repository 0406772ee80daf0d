"""Every way a bench can die, without dying: an exception ends its life at a chosen place.

The devices outlive it, as kit does; the bench's own parties, inbox, key ring and process are made
anew from the journal. Time is virtual, so that thousands of lives take seconds. The same deaths by
kill -9 on real processes are in `lineage`.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bench.clock import Cancellation, Cancelled, PacedClock, VirtualClock
from bench.conformance.checker import Checker
from bench.demo_keys import demo_key
from bench.devices import KeySlot
from bench.effects import Effects
from bench.emulation import EmulatedWorld, PartyBehaviours
from bench.journal import recorder as recorder_module
from bench.journal.entry import Entry
from bench.journal.gap import Gap
from bench.journal.key_store import KeyStore
from bench.journal.moment import Moment
from bench.journal.recorder import Recorder
from bench.journal.recording import Recording, recordings
from bench.journal.store import JournalFull, Keep
from bench.journal.stored_key_ring import StoredKeyRing
from bench.journal.values import read
from bench.migration.defaults import with_overrides
from bench.migration.process import Migration, migrate
from bench.parties import Inbox
from bench.shipped import find
from bench.suite_reading import PreparedScenario, read_suite
from bench.trace import Closed, Event, Opened, Outage
from bench.units import HOUR, SECOND, Micros
from emulators.installation import EmulatedInstallation

SUA = KeySlot.SUA
NAME = "lives"
MOVE = "rotate_key"


class Death(BaseException):
    """The process is gone."""


@cache
def scenario(name: str) -> PreparedScenario:
    _, found = read_suite(find("suites", "default"), only=(name,))
    return found[0]


@dataclass(slots=True)
class Plan:
    """When a life ends: with the journal's write of that number (before or after it is on the
    disk), or around the request of that number to a device (before or after it is carried out).
    `full`: from that write on, of the journal or of the key store, the disk is full.
    """

    write: int = 0
    request: int = 0
    after: bool = True
    full: int = 0


@dataclass
class Disk:
    """What survives: the journal's entries. Implements what the recorder needs of a journal.

    `added` counts entries, `written` also what is written of keys, since the life began.
    """

    entries: list[Entry] = field(default_factory=list)
    added: int = 0
    written: int = 0
    plan: Plan = field(default_factory=Plan)

    def add(self, entry: Entry, keep: Keep) -> None:
        self.use()
        self.added += 1
        if self.added == self.plan.write and not self.plan.after:
            raise Death
        self.entries.append(entry)
        if self.added == self.plan.write:
            raise Death

    def use(self) -> None:
        """One more write of anything."""
        self.written += 1
        if self.plan.full and self.written >= self.plan.full:
            raise JournalFull("the disk is full")


class Kept(KeyStore):
    """A key store whose file is this object."""

    def __init__(self, disk: Disk) -> None:
        super().__init__(Path("unused"))
        self._disk = disk

    def _write(self) -> None:
        self._disk.use()


class Lives:
    """A scenario of a bench that dies as often as it is told to; `live` is one life of it."""

    def __init__(self, name: str) -> None:
        self.prepared = scenario(name)
        self.clock = VirtualClock(self.prepared.scenario.start)
        self.kit = self._world(self.clock, Inbox(self.clock))
        self.clock.sleep_until(self.clock.now() + 86_400 * SECOND)
        for entry in self.prepared.scenario.faults:
            self.kit.arm(entry.spec)
        self.disk = Disk()
        self.keys = Kept(self.disk)
        self.requests = 0
        self.sent: list[tuple[str, str]] = []
        self.counters: list[tuple[str, int]] = []
        self.events: list[Event] = []
        self.migration: Migration | None = None
        self.lives = 0

    def _world(self, clock: Any, inbox: Inbox) -> EmulatedWorld:
        keys = {
            (device.name, SUA): demo_key(device.eui64, SUA)
            for device in self.prepared.installation.meters
        }
        return EmulatedInstallation(
            self.prepared.installation,
            clock=clock,
            seed=1,
            inbox=inbox,
            behaviours=self.prepared.scenario.parties or PartyBehaviours(),
            resubmission=None,
            device_keys=keys,
        )

    def live(self, plan: Plan) -> bool:
        """One life; True when the scenario came to its end in it."""
        self.lives += 1
        self.requests, self.events = 0, []
        self.disk.added, self.disk.written, self.disk.plan = 0, 0, plan
        recording = recordings(self.disk.entries).get(NAME) or Recording(NAME)
        began = self.clock.now() if recording.first is None else recording.first.at
        cancellation = Cancellation()
        world_clock = PacedClock(began, self.clock, cancellation)
        inbox = Inbox(world_clock)
        parties = self._world(world_clock, inbox).parties
        held = {
            (device.name, SUA): demo_key(device.eui64, SUA)
            for device in self.prepared.installation.meters
        }
        ring = StoredKeyRing(held, self.keys, NAME)
        recorder = Recorder(
            self.disk,  # type: ignore[arg-type]
            recording,
            clock=self.clock,
            world=world_clock,
            outside=frozenset(self.kit.devices),
            keys=self.keys,
            cancellation=cancellation,
            run=Cancellation(),
            on_gap=self._gap,
            on_live=lambda: ring.go_live(recorder.stop),
        )
        effects = Effects(
            clock=self.clock,
            inbox=inbox,
            devices={name: self._mortal(name, thing) for name, thing in self.kit.devices.items()},
            parties=parties,
            keys=ring,
            random_bytes=lambda size: bytes([self.lives, len(self.sent) % 256]) * (size // 2),
            sink=self._emit,
            cancellation=cancellation,
            recorder=recorder,
        )
        try:
            recorder.begin(began, {})
            self.migration = migrate(
                effects,
                self.prepared.installation,
                self.prepared.strategy,
                with_overrides(self.prepared.overrides),
            )
            recorder.end()
        except (Death, Cancelled):
            return False
        self.ring = ring
        return True

    def _emit(self, event: Event) -> None:
        self.events.append(event)
        self.kit.observe(event)

    def _gap(self, gap: Gap) -> None:
        opened = next((event for event in self.events if isinstance(event, Opened)), None)
        if opened is not None:
            self.events += [
                Outage(
                    at=gap.end, installation=opened.installation, from_=gap.start, to=gap.end, of=of
                )
                for of in gap.outages
            ]

    def _mortal(self, name: str, thing: Any) -> Any:
        return _Mortal(self, name, thing)

    def be_down(self, span: Micros) -> None:
        """Time passes for the kit, and nobody is at the bench."""
        self.clock.sleep_until(self.clock.now() + span)

    def wrong(self) -> list[str]:
        """What does not hold in the end; empty where all does."""
        truth = self.kit.truth()
        found = []
        parked = any(isinstance(e, Closed) and e.outcome == "parked" for e in self.events)
        for device in self.prepared.installation.meters:
            held = truth.devices[device.name]
            believed = self.ring.current(device.name, SUA)
            assert believed is not None
            if not parked and believed.check_value != held.keys[SUA].check_value:
                found.append(f"{device.name}: holds another key than is believed")
            for operation, count in held.executed.items():
                asked = self.sent.count((device.name, operation))
                if count > asked:
                    found.append(f"{device.name}: {operation} done {count} times, sent {asked}")
            done, said = held.executed.get(MOVE, 0), self._acknowledged(device.name)
            if done < said:
                found.append(f"{device.name}: {said} transfers acknowledged, {done} done: lost")
        found += [f"rule {rule} failed" for rule, count in self.rules().items() if count["failed"]]
        return found

    def _acknowledged(self, device: str) -> int:
        """How many key transfers the journal has down as done."""
        acts = recordings(self.disk.entries)[NAME].acts
        said = [each.outcome for each in acts if (each.target, each.operation) == (device, MOVE)]
        return sum(not isinstance(read(each), Exception) for each in said if each is not None)

    def rules(self) -> dict[str, dict[str, int]]:
        """The checker's counts, by the trace of the last life."""
        checker = Checker(self.prepared.strategy, 60 * SECOND)
        for line, event in enumerate(self.events, 1):
            checker.feed(event, line)
        return {rule: count.as_json() for rule, count in checker.finish().rules.items()}


class _Mortal:
    """A device that is asked by a bench that may die of it."""

    def __init__(self, lives: Lives, name: str, thing: Any) -> None:
        self._lives = lives
        self._name = name
        self._thing = thing

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        call = getattr(self._thing, operation)

        def ask(*args: Any, **kwargs: Any) -> Any:
            lives = self._lives
            lives.requests += 1
            plan = lives.disk.plan
            if lives.requests == plan.request and not plan.after:
                raise Death
            lives.sent.append((self._name, operation))
            if operation == MOVE:
                lives.counters.append((self._name, args[2]))
            try:
                return call(*args, **kwargs)
            finally:
                if lives.requests == plan.request and plan.after:
                    raise Death

        return ask


def one_clock(at: Micros) -> Moment:
    """The machine's monotonic clock is the virtual one too."""
    return Moment(at, at, "boot")


STORIES = (
    "da-commissioned",
    "da-rotation-reply-lost",
    "da-partial-rotation-not-restorable",
    "da-wan-lost-after-the-switch",
    "ioc-wan-back-after-3h",
)


def die_often(name: str, rng: random.Random) -> Lives:
    """Lives that end at random places, the bench being down for up to 30 hours between them."""
    lives = Lives(name)
    for _ in range(12):
        after = rng.random() < 0.5
        place = rng.randrange(1, 90)
        plan = Plan(write=place, after=after) if rng.random() < 0.5 else Plan(0, place, after)
        if lives.live(plan):
            return lives
        lives.be_down(rng.choice((0, SECOND, HOUR, 30 * HOUR)))
    ended = lives.live(Plan())
    assert ended, "nothing ends this life"
    return lives


def main() -> int:
    """`python -m tests.journal.deaths 10000`: so many deaths; 1 where anything is wrong."""
    recorder_module.moment = one_clock
    deaths, runs = 0, 0
    wrong: list[str] = []
    while deaths < int(sys.argv[1]):
        name = STORIES[runs % len(STORIES)]
        lives = die_often(name, random.Random(runs))
        wrong += [f"run {runs} ({name}): {each}" for each in lives.wrong()]
        deaths += lives.lives - 1
        runs += 1
    print(
        f"{deaths} deaths at random writes and requests in {runs} runs of {len(STORIES)} "
        f"scenarios in virtual time, down for up to 30 h between; "
        f"{len(wrong)} acts lost, done twice, keys wrongly believed or rules failed by it"
    )
    print("\n".join(wrong[:20]), end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

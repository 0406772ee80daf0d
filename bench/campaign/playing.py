"""Plays one drawn installation: the same world, process and defaults as a scenario's, and no more.

What a single run adds for those who look on (journal, captures, acts, identities, the story) is
left out. The events are those of `bench.scenario.run` for the same installation, byte for byte
(tests/campaign/test_one_alone.py).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bench.campaign.drawing import Drawn
from bench.clock import VirtualClock
from bench.demo_keys import demo_key
from bench.devices import KeySlot
from bench.effects import Effects
from bench.emulation import WorldFactory
from bench.errors import BenchError
from bench.key_ring import MemoryKeyRing
from bench.mehrs.strategy import Strategy
from bench.migration.defaults import with_overrides
from bench.migration.process import migrate
from bench.parties import Inbox
from bench.plugins import EMULATORS, load
from bench.resubmission import resubmission_policy
from bench.secret import Secret
from bench.staging import Place, seeded
from bench.suite import KeyKnown
from bench.trace import Event
from bench.units import DAY

BENCH_ERROR: Final = "bench-error"


@dataclass(frozen=True, slots=True)
class Played:
    """How it ended (an outcome of the last passage, or `bench-error`), and the SMS paid for."""

    outcome: str
    gave_up: bool
    wake_ups: int


class Player:
    """Plays installations, one after another, under one strategy."""

    def __init__(self, strategy: Strategy, seed: int) -> None:
        self._strategy = strategy
        self._seed = seed
        self._defaults = with_overrides({})
        self._factory: WorldFactory = load(EMULATORS, "installation")
        self._held: dict[tuple[int, ...], Mapping[Place, Secret]] = {}

    def play(self, drawn: Drawn, take: Callable[[Event], None]) -> Played:
        """Migrates the installation; `take` is given each event of its trace as it comes."""
        installation = drawn.installation
        name = installation.name
        clock = VirtualClock(drawn.start)
        inbox = Inbox(clock)
        held = self._keys(drawn)
        world = self._factory(
            installation,
            clock=clock,
            seed=random.Random(seeded(self._seed, name, "world")).getrandbits(64),
            inbox=inbox,
            behaviours=drawn.parties,
            resubmission=resubmission_policy(self._strategy, installation.group),
            device_keys=held,
        )
        clock.sleep_until(drawn.start + DAY)
        for entry in drawn.faults:
            world.arm(entry.spec)
        ring = held if not drawn.keys else _known(drawn, held)

        def seen(event: Event) -> None:
            take(event)
            world.observe(event)

        effects = Effects(
            clock=clock,
            inbox=inbox,
            devices=world.devices,
            parties=world.parties,
            keys=MemoryKeyRing(ring),
            random_bytes=_Fresh(seeded(self._seed, name, "keys")),
            sink=seen if drawn.faults else take,
        )
        outcome, gave_up = BENCH_ERROR, False
        try:
            migration = migrate(effects, installation, self._strategy, self._defaults)
            outcome, gave_up = migration.outcome, migration.gave_up
        except BenchError:
            pass  # what it did until then is in its trace, which closes `withdrawn`
        return Played(outcome, gave_up, world.wake_ups())

    def _keys(self, drawn: Drawn) -> Mapping[Place, Secret]:
        """What the meters hold, made once for each kit."""
        held = self._held.get(drawn.kit)
        if held is None:
            held = self._held[drawn.kit] = {
                (meter.name, KeySlot.SUA): demo_key(meter.eui64, KeySlot.SUA)
                for meter in drawn.installation.meters
            }
        return held


class _Fresh:
    """New keys from a seed; most installations need none."""

    __slots__ = ("_seed", "_source")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._source: random.Random | None = None

    def __call__(self, size: int) -> bytes:
        if self._source is None:
            self._source = random.Random(self._seed)
        return self._source.randbytes(size)


def _known(drawn: Drawn, held: Mapping[Place, Secret]) -> Mapping[Place, Secret]:
    """What the S1SP holds of the meters' keys where a condition says that it lacks some."""
    ring = dict(held)
    for meter in drawn.installation.meters:
        known = drawn.keys.get(meter.name, KeyKnown.KNOWN)
        if known is KeyKnown.MISSING:
            del ring[meter.name, KeySlot.SUA]
        elif known is KeyKnown.OTHER:
            other = demo_key(meter.eui64, KeySlot.SUA, "another device's")
            ring[meter.name, KeySlot.SUA] = other
    return ring

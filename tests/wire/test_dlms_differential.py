"""Seeded sequences of calls and happenings on meters: `emu:` gives what `direct:` gives.

Equal means results, error classes and codes, and the models' truth at the end. Octets take no time
here and meters react at once, so both worlds act at the same moments; a COSEM date-time holds
hundredths of a second, so moments are compared to two of them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace

import pytest

from bench.demo_keys import demo_key
from bench.devices import KeySlot
from bench.devices import Meter as MeterInterface
from bench.errors import PeerError
from bench.secret import Secret
from bench.units import HOUR, MILLISECOND, MINUTE, SECOND, Micros
from drivers.dlms_meter import DlmsMeter as Driver
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import Profile, TimingProfile, read_profile
from drivers.transport.memory import MemoryPort
from emulators.direct import DirectMeter, channel_to
from emulators.models.meter import Meter
from emulators.wire.dlms_meter import DlmsMeter
from tests.wire.kit_on_wire import START, Home, home

SEQUENCES = int(os.environ.get("SMETS1_BENCH_SEQUENCES", "40"))
STEPS = 60
TOLERANCE = 20 * MILLISECOND
SUA = KeySlot.SUA
PROFILES = {name: read_profile(f"generic-dlms-{name}") for name in ("electricity", "gas")}
KEYS = [Secret(bytes(16), "first"), *(Secret(bytes([n] * 16), f"key {n}") for n in range(1, 5))]


class Side:
    """One world and the way its meters are asked."""

    def __init__(self, place: Home, meters: Mapping[str, MeterInterface]) -> None:
        self.home = place
        self.meters = meters

    def model(self, name: str) -> Meter:
        model = self.home.world.models[name]
        assert isinstance(model, Meter)
        return model

    def outcome(self, step: Step) -> object:
        try:
            return step(self)
        except PeerError as error:
            return type(error), error.peer, error.operation, error.code

    def truth(self) -> object:
        devices = self.home.world.truth().devices
        return [
            replace(
                devices[name],
                security_log=tuple(line.partition(" ")[2] for line in devices[name].security_log),
            )
            for name in PROFILES
        ]


Step = Callable[[Side], object]


def direct() -> Side:
    place = home(reaction=0)
    models = {name: place.world.models[name] for name in PROFILES}
    return Side(
        place,
        {
            name: DirectMeter(model, channel_to(model))
            for name, model in models.items()
            if isinstance(model, Meter)
        },
    )


def at_once(name: str) -> Profile:
    profile = PROFILES[name]
    timing = TimingProfile(profile.timing.reply_timeout, 0, profile.timing.quiet)
    return replace(profile, timing=timing)


def emu() -> Side:
    place = home(reaction=0)
    side = Side(place, {})
    drivers: dict[str, MeterInterface] = {}
    for name in PROFILES:
        profile, keys = at_once(name), demo_meter_keys(side.model(name).spec.eui64)
        port = MemoryPort(name, place.clock, profile.line.settings, paced=False)
        port.attach(DlmsMeter(side.model(name), profile, keys, port))
        drivers[name] = Driver(name, profile, port.connect(port.line), keys)
    side.meters = drivers
    return side


def same(one: object, other: object) -> bool:
    """Equal, but for moments, which may be two hundredths of a second apart."""
    if is_dataclass(one) and not isinstance(one, type):
        return type(one) is type(other) and all(
            same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one)
        )
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, int) and isinstance(other, int) and one > SECOND:
        return abs(one - other) <= TOLERANCE
    return one == other


def cut(side: Side, name: str) -> None:
    if side.model(name).powered:
        side.model(name).cut_power()


def restore(side: Side, name: str) -> None:
    if not side.model(name).powered:
        side.model(name).restore_power()


def reset(side: Side, name: str) -> None:
    spec = side.model(name).spec
    side.model(name).reset_to_factory({SUA: demo_key(spec.eui64, SUA, "factory")})


def steps(rng: random.Random) -> Iterator[tuple[str, Step]]:
    while True:
        name = rng.choice(("electricity", "electricity", "gas"))
        key, counter = rng.choice(KEYS), rng.randint(0, 12)
        moment = START + rng.randint(-5, 5) * HOUR
        asks: list[tuple[str, Step]] = [
            ("identify", lambda side, n=name: side.meters[n].identify()),
            ("read_clock", lambda side, n=name: side.meters[n].read_clock()),
            (f"set_clock {moment}", lambda side, n=name, t=moment: side.meters[n].set_clock(t)),
            ("read_registers", lambda side, n=name: side.meters[n].read_registers()),
            ("supply_state", lambda side, n=name: side.meters[n].supply_state()),
            ("read_payment", lambda side, n=name: side.meters[n].read_payment()),
            ("key_state", lambda side, n=name: side.meters[n].key_state(SUA)),
            (f"prove {key}", lambda side, n=name, k=key: side.meters[n].prove_key(SUA, k)),
            (
                "prove what it holds",
                lambda side, n=name: side.meters[n].prove_key(SUA, side.model(n).keys.held(SUA)),
            ),
            (
                f"rotate {counter}",
                lambda side, n=name, k=key, c=counter: side.meters[n].rotate_key(SUA, k, c),
            ),
        ]
        happenings: list[tuple[str, Step]] = [
            ("interrupt", lambda side, n=name: side.model(n).interrupt_supply()),
            ("supply back", lambda side, n=name: side.model(n).restore_supply()),
            ("lose register", lambda side, n=name: side.model(n).lose_register()),
            ("restart", lambda side, n=name: side.model(n).restart()),
            ("power cut", lambda side, n=name: cut(side, n)),
            ("power back", lambda side, n=name: restore(side, n)),
            ("power back", lambda side, n=name: restore(side, n)),
            ("reset", lambda side, n=name: reset(side, n)),
        ]
        chosen = rng.choice(asks if rng.random() < 0.75 else happenings)
        yield f"{name}: {chosen[0]}", chosen[1]


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_emu_gives_what_direct_gives(seed: int) -> None:
    rng = random.Random(seed)
    one, other = direct(), emu()
    seen: set[object] = set()
    for number, (name, step) in zip(range(STEPS), steps(rng), strict=False):
        # Time-out and quiet fit in between; a day now and then ends a lockout.
        gap: Micros = rng.choice((20 * SECOND, 20 * SECOND, MINUTE, 17 * MINUTE, 25 * HOUR))
        at = max(one.home.clock.now(), other.home.clock.now()) + gap
        for side in (one, other):
            side.home.clock.sleep_until(at)
        expected, got = one.outcome(step), other.outcome(step)
        assert same(expected, got), f"step {number}: {name}: {expected} became {got}"
        seen.add(expected[0] if isinstance(expected, tuple) else type(expected))
    assert same(one.truth(), other.truth()), f"{one.truth()} became {other.truth()}"
    assert len(seen) > 4

"""Runs one scenario on an emulated installation in virtual time, and keeps what it left behind."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from bench.clock import Cancellation, Cancelled, VirtualClock
from bench.demo_keys import demo_key
from bench.devices import Device, Identity, KeySlot
from bench.effects import Act, Effects
from bench.emulation import EmulatedWorld, FaultSpec, Truth, WorldFactory
from bench.errors import BenchError, PeerError
from bench.key_ring import MemoryKeyRing
from bench.migration.defaults import with_overrides
from bench.migration.process import Migration, migrate
from bench.parties import Holder, Inbox
from bench.plugins import DRIVERS, EMULATORS, load
from bench.restoring import restore
from bench.resubmission import resubmission_policy
from bench.secret import Secret
from bench.station import DIRECT, Port, Station
from bench.suite import KeyKnown
from bench.suite_reading import PreparedScenario
from bench.trace import Event
from bench.units import DAY, Micros


@dataclass(slots=True)
class Ran:
    """What a scenario left behind. `migration` None: the bench itself failed (`bench_error`)."""

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
    unstruck: tuple[FaultSpec, ...] = ()


def run_scenario(
    prepared: PreparedScenario,
    seed: int,
    cancellation: Cancellation | None = None,
    station: Station = DIRECT,
) -> Ran:
    """Builds the scenario's world, migrates, looks at the truth, returns the kit as agreed.

    The same scenario and seed give the same events, byte for byte. Cancelled in the middle, it
    keeps what happened until then (`Ran.cancelled`); cancelled before, it raises `Cancelled`.
    """
    scenario = prepared.scenario
    clock = VirtualClock(scenario.start)
    inbox = Inbox(clock)
    secrets: list[Secret] = []
    world = _build_world(prepared, seed, clock, inbox, secrets)
    unprepared = _prepare_account(prepared, world)
    devices = _devices(prepared, station, world, clock, seed)
    identities = _read_back(devices)
    # Reading a sleepy meter takes time; every scenario opens a whole day after its clock started.
    clock.sleep_until(scenario.start + DAY, cancellation)
    inbox.clear()  # a file set that followed an account switched beforehand is not this run's
    ran = Ran(prepared, clock.now(), identities, world.truth(), secrets=secrets)
    if unprepared:
        ran.bench_error, ran.ended, ran.after = unprepared, ran.started, ran.before
        return ran
    for entry in scenario.faults:
        world.arm(entry.spec)

    def sink(event: Event) -> None:
        ran.events.append(event)
        world.observe(event)

    def fresh_key(size: int) -> bytes:
        key = keys_random.randbytes(size)
        secrets.append(Secret(key, "new key"))
        return key

    keys_random = random.Random(f"{seed}/{scenario.scenario}/keys")
    effects = Effects(
        clock=clock,
        inbox=inbox,
        devices=devices,
        parties=world.parties,
        keys=_key_ring(prepared, secrets),
        random_bytes=fresh_key,
        sink=sink,
        observer=ran.acts.append,
        cancellation=cancellation,
    )
    defaults = with_overrides(prepared.overrides)
    try:
        ran.migration = migrate(effects, prepared.installation, prepared.strategy, defaults)
    except BenchError as error:
        ran.bench_error = str(error)
    except Cancelled as cancelled:
        ran.cancelled = cancelled.reason
    ran.ended = clock.now()
    ran.after = world.truth()
    ran.unstruck = tuple(world.unstruck())
    if ran.migration is not None and scenario.preconditions.restore:
        ran.bench_error = restore(scenario.preconditions, effects, world, prepared.installation)
    return ran


def _build_world(
    prepared: PreparedScenario,
    seed: int,
    clock: VirtualClock,
    inbox: Inbox,
    secrets: list[Secret],
) -> EmulatedWorld:
    installation = prepared.installation
    device_keys = {
        (device.name, KeySlot.SUA): demo_key(device.eui64, KeySlot.SUA)
        for device in installation.meters
    }
    secrets.extend(device_keys.values())
    factory: WorldFactory = load(EMULATORS, "installation")
    return factory(
        installation,
        clock=clock,
        seed=random.Random(f"{seed}/{prepared.scenario.scenario}/world").getrandbits(64),
        inbox=inbox,
        behaviours=prepared.scenario.parties,
        resubmission=resubmission_policy(prepared.strategy, installation.group),
        device_keys=device_keys,
    )


def _prepare_account(prepared: PreparedScenario, world: EmulatedWorld) -> str:
    """Brings the account to where the preconditions want it; returns why it is not there."""
    wanted = prepared.scenario.preconditions.account
    if wanted is Holder.SMSO:
        return ""
    try:
        world.parties.smso.transfer_account()
    except PeerError as error:
        if world.truth().account is not wanted:
            return f"the account could not be brought to the {wanted}: {error}"
    return ""


def _key_ring(prepared: PreparedScenario, secrets: list[Secret]) -> MemoryKeyRing:
    """What the S1SP holds: every meter's key, but for what the preconditions say."""
    held: dict[tuple[str, KeySlot], Secret] = {}
    for device in prepared.installation.meters:
        known = prepared.scenario.preconditions.keys.get(device.name, KeyKnown.KNOWN)
        if known is KeyKnown.MISSING:
            continue
        label = "another device's" if known is KeyKnown.OTHER else ""
        held[device.name, KeySlot.SUA] = demo_key(device.eui64, KeySlot.SUA, label)
    secrets.extend(held.values())
    return MemoryKeyRing(held)


def _devices(
    prepared: PreparedScenario,
    station: Station,
    world: EmulatedWorld,
    clock: VirtualClock,
    seed: int,
) -> dict[str, Device]:
    """Every device as the station reaches it: the model itself, or a driver on a line to it."""
    devices = dict(world.devices)
    for spec in prepared.installation.devices:
        entry = station.devices.get(spec.name)
        if entry is None or entry.port is Port.DIRECT:
            continue
        named = f"{seed}/{prepared.scenario.scenario}/{spec.name}"
        server = partial(_serve, world, spec.name, f"{named}/device")
        connect = load(DRIVERS, "emulated-line")
        devices[spec.name] = connect(spec, entry.profile, clock, f"{named}/driver", server)
    return devices


def _serve(world: EmulatedWorld, name: str, seed: str, profile: object, end: object) -> object:
    return load(EMULATORS, "wire-server")(world, name, profile, end, seed)


def _read_back(devices: Mapping[str, Device]) -> dict[str, Identity]:
    """Who the devices say they are; one that does not answer is left out."""
    identities: dict[str, Identity] = {}
    for name, device in devices.items():
        try:
            identities[name] = device.identify()
        except PeerError:
            continue
    return identities

"""Sets the stage for a scenario: the one place that builds clock, mailbox, world, devices and keys.

On an emulated station all of it is in this process, on a virtual clock. Where the station has real
ports the clock is the wall clock and those devices are reached through their drivers; the parties,
and the devices the station does not reach otherwise, are emulated beside them.
"""

from __future__ import annotations

import random
import secrets as system_random
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

from bench.bench_faults import RELAY_STUCK, is_bench_fault, struck_before
from bench.clock import Cancellation, Clock, PacedClock, VirtualClock, WallClock
from bench.demo_keys import demo_key
from bench.devices import CommsHub, Device, Identity, KeySlot
from bench.emulation import (
    EmulatedWorld,
    FaultSpec,
    Truth,
    WorldFactory,
    is_emulated,
)
from bench.installation import DeviceSpec
from bench.journal.key_store import KeyStore
from bench.journal.stored_key_ring import StoredKeyRing
from bench.key_ring import MemoryKeyRing
from bench.parties import Inbox
from bench.plugins import DRIVERS, EMULATORS, load
from bench.power_cuts import PowerCuts
from bench.reading_back import ReadingBack
from bench.resubmission import resubmission_policy
from bench.secret import Secret
from bench.secret_reference import read_secret
from bench.stage_checks import OpenKit, compare_identities, read_identities, require_mains
from bench.station.fitting import cut_at_the_relay, is_pipe_fault
from bench.station.form import ClockSource, Station, StationDevice
from bench.station.port import Reach
from bench.suite import KeyKnown
from bench.suite_reading import PreparedScenario
from bench.trace import Event
from bench.units import DAY, Micros

Place = tuple[str, KeySlot]
"""A key's place: the device's name and the slot."""


class Line(Protocol):
    """A device reached through its driver (`drivers.lines.Line`)."""

    @property
    def device(self) -> Device: ...

    def arm(self) -> None:
        """From now on the faults of the line lie in wait."""

    def unstruck(self) -> tuple[FaultSpec, ...]: ...

    def close(self) -> None: ...


def seeded(seed: int, scenario: str, what: str) -> str:
    """The seed of one random source of a scenario's, wherever it is played."""
    return f"{seed}/{scenario}/{what}"


@dataclass(frozen=True, slots=True)
class Plot:
    """What a stage is set for: a scenario, on a station, with a seed.

    `captures`: the run's folder, in which every octet on a line is stored; None: nowhere.
    `began`: of a journalled scenario on the wall clock, the moment at which it began, maybe in
    another process; what is emulated lives on a paced clock from there. `key_store`: where keys of
    real meters are kept. `heard` gets the devices that may have answered when they were asked
    who they are (`read_identities`), also where the stage cannot be set.
    """

    prepared: PreparedScenario
    station: Station
    seed: int
    captures: Path | None = None
    began: Micros | None = None
    key_store: KeyStore | None = None
    heard: dict[str, Identity | None] = field(default_factory=dict)

    def seeded(self, what: str) -> str:
        """The seed of one random source of the scenario's."""
        return seeded(self.seed, self.prepared.scenario.scenario, what)


@dataclass(slots=True)
class Stage:
    """Everything a scenario plays on. `close` gives every port back.

    `secrets`: every key that any output must not show. `held`: what each meter holds at the
    beginning, where the bench has it. `emulated`: whether a device is, by what it said of itself;
    None: it did not say. `keys_survive`: new keys are kept beyond this process. `kit`: the
    bench kit that the station has. `cuts`: the faults that its relays do, on guarded relays.
    `refusing`: the devices that answered and did not accept the keys shared with them.
    """

    plot: Plot
    clock: Clock
    world_clock: Clock
    inbox: Inbox
    world: EmulatedWorld
    devices: dict[str, Device]
    lines: dict[str, Line]
    keys: MemoryKeyRing
    held: Mapping[Place, Secret]
    secrets: list[Secret]
    read_back: dict[str, ReadingBack]
    _ports: ExitStack
    identities: dict[str, Identity] = field(default_factory=dict)
    refusing: list[str] = field(default_factory=list)
    keys_survive: bool = False
    kit: OpenKit = field(default_factory=OpenKit)
    cuts: PowerCuts | None = None

    def close(self) -> None:
        """Safe to repeat."""
        self._ports.close()

    def emulated(self, device: str) -> bool | None:
        if device not in self.read_back:
            return True
        identity = self.identities.get(device)
        return None if identity is None else is_emulated(identity)

    def open_curtain(self, cancellation: Cancellation | None) -> None:
        """Waits for the opening: on a virtual clock a whole day after the clock started, since
        reading a sleepy meter takes time; on the wall clock it is now.
        """
        if isinstance(self.clock, VirtualClock):
            self.clock.sleep_until(self.plot.prepared.scenario.start + DAY, cancellation)
        else:  # asking emulated devices who they are took them time
            self.clock.sleep_until(self.world_clock.now(), cancellation)
        self.inbox.clear()  # a file set that followed an earlier account switch is not this run's

    def arm(self, *, lines: bool = True) -> None:
        """Every fault of the scenario lies in wait from now on; `lines`: also those of real lines.

        Where a scenario is taken up again nobody knows what they have struck.
        """
        for entry in self.plot.prepared.scenario.faults:
            if not (
                is_pipe_fault(entry.fault)
                or is_bench_fault(entry.fault)
                or cut_at_the_relay(entry, self.plot.station)
            ):
                self.world.arm(entry.spec)
        for name, line in self.lines.items():
            if lines or name not in self.read_back:
                line.arm()

    def at_real_kit(self) -> tuple[FaultSpec, ...]:
        """The faults of real lines and relays: what they have struck only one process knows."""
        return tuple(
            entry.spec
            for entry in self.plot.prepared.scenario.faults
            if cut_at_the_relay(entry, self.plot.station)
            or entry.fault == RELAY_STUCK
            or (is_pipe_fault(entry.fault) and entry.target in self.read_back)
        )

    def observe(self, event: Event) -> None:
        """Faults wait for events of the trace: every one is told here as it comes."""
        self.world.observe(event)
        if self.cuts is not None:
            self.cuts.observe(event)

    def unstruck(self) -> tuple[FaultSpec, ...]:
        """The faults that struck nothing so far."""
        left = [spec for line in self.lines.values() for spec in line.unstruck()]
        if self.cuts is not None:
            left += self.cuts.unstruck()
        return (*self.world.unstruck(), *left)

    def truth(self) -> Truth:
        """What is really so; of a device behind a real port, what it proves and reads back."""
        truth = self.world.truth()
        if not self.read_back:
            return truth
        devices = dict(truth.devices)
        for name, reading in self.read_back.items():
            devices[name] = reading.truth(self._likely_keys(name))
        return replace(truth, devices=devices)

    def fresh_key(self) -> Callable[[int], bytes]:
        """The source of new keys: seeded where everything is emulated, else the system's."""
        source: Callable[[int], bytes] = random.Random(self.plot.seeded("keys")).randbytes
        if self.plot.station.real:
            source = system_random.token_bytes

        def fresh(size: int) -> bytes:
            key = source(size)
            self.secrets.append(Secret(key, "new key"))
            return key

        return fresh

    def _likely_keys(self, device: str) -> list[Secret]:
        """Most likely first, each once."""
        slot = KeySlot.SUA
        ring = self.keys
        likely = (
            ring.current(device, slot),
            ring.staged(device, slot),
            ring.previous(device, slot),
            self.held.get((device, slot)),
        )
        found: list[Secret] = []
        for key in likely:
            if key is not None and key not in found:
                found.append(key)
        return found


def set_stage(plot: Plot, cancellation: Cancellation | None) -> Stage:
    """Opens every port and asks every device who it is; the scenario's clock starts.

    Raises `UsageError` (a reference leads to no key), `BenchError` (a port is gone or busy, a relay
    feeds nothing, or another device is behind a port than the station says).
    """
    prepared, station = plot.prepared, plot.station
    clock: Clock
    if station.clock_source is ClockSource.VIRTUAL:
        clock = VirtualClock(prepared.scenario.start)
    else:
        clock = WallClock()
    world_clock: Clock = clock
    if plot.began is not None and isinstance(clock, WallClock):
        world_clock = PacedClock(plot.began, clock, cancellation or Cancellation())
    inbox = Inbox(world_clock)
    keys = _Keys(plot)
    world = _build_world(plot, world_clock, inbox)
    with ExitStack() as ports:
        kit = require_mains(station, clock, ports)
        lines = _open_lines(plot, world, (clock, world_clock), keys, cancellation, ports)
        devices = {**world.devices, **{name: line.device for name, line in lines.items()}}
        real: list[DeviceSpec] = []
        for spec in prepared.installation.devices:
            reach = station.reached(spec.name).reach
            if reach is Reach.VIA_HUB:
                hub = cast(CommsHub, devices[prepared.installation.hub.name])
                devices[spec.name] = load(DRIVERS, "lines").via_hub(spec, hub)
            if reach in (Reach.REAL, Reach.VIA_HUB):
                real.append(spec)
        stage = Stage(
            plot,
            clock,
            world_clock,
            inbox,
            world,
            devices,
            lines,
            keys.ring(),
            keys.held,
            keys.secrets,
            {spec.name: ReadingBack(spec.role, devices[spec.name], clock.now) for spec in real},
            ports.pop_all(),
            keys_survive=plot.key_store is not None,
            kit=kit,
        )
    try:
        stage.identities = read_identities(devices, stage.refusing, plot.heard)
        compare_identities(prepared.installation, station, stage.identities)
    except BaseException:
        stage.close()
        raise
    return stage


class _Keys:
    """What the meters hold and what the S1SP holds of it when the scenario begins."""

    def __init__(self, plot: Plot) -> None:
        self._plot = plot
        self.held: dict[Place, Secret] = {}
        self.shared: dict[str, dict[str, Secret] | None] = {}
        self.secrets: list[Secret] = []
        for device in plot.prepared.installation.meters:
            reached = plot.station.reached(device.name)
            if reached.reach is not Reach.REAL or reached.security.test_keys:
                self.held[device.name, KeySlot.SUA] = demo_key(device.eui64, KeySlot.SUA)
                self.shared[device.name] = None
            else:
                self._refer(device.name, reached)
        self.secrets += self.held.values()

    def _refer(self, name: str, reached: StationDevice) -> None:
        found = {
            field_: read_secret(reference, label=f"{name}/{field_}", beside=Path())
            for field_, reference in reached.security.references.items()
        }
        self.secrets += found.values()
        if "sua" in found:
            self.held[name, KeySlot.SUA] = found.pop("sua")
        self.shared[name] = found

    def ring(self) -> MemoryKeyRing:
        """Every meter's key, but for what the preconditions say."""
        ring: dict[Place, Secret] = {}
        others: list[Secret] = []
        wanted = self._plot.prepared.scenario.preconditions.keys
        for device in self._plot.prepared.installation.meters:
            known = wanted.get(device.name, KeyKnown.KNOWN)
            place = (device.name, KeySlot.SUA)
            if known is KeyKnown.OTHER:
                ring[place] = demo_key(device.eui64, KeySlot.SUA, "another device's")
                others.append(ring[place])
            elif known is KeyKnown.KNOWN and place in self.held:
                ring[place] = self.held[place]
        self.secrets += ring.values()
        store = self._plot.key_store
        if store is None:
            return MemoryKeyRing(ring)
        return StoredKeyRing(ring, store, self._plot.prepared.scenario.scenario, others)


def _build_world(plot: Plot, clock: Clock, inbox: Inbox) -> EmulatedWorld:
    """The parties and every emulated device; one that is real has only its place in the HAN."""
    prepared = plot.prepared
    installation = prepared.installation
    factory: WorldFactory = load(EMULATORS, "installation")
    return factory(
        installation,
        clock=clock,
        seed=random.Random(plot.seeded("world")).getrandbits(64),
        inbox=inbox,
        behaviours=prepared.scenario.parties,
        resubmission=resubmission_policy(prepared.strategy, installation.group),
        device_keys={
            (device.name, KeySlot.SUA): demo_key(device.eui64, KeySlot.SUA)
            for device in installation.meters
        },
    )


def _open_lines(
    plot: Plot,
    world: EmulatedWorld,
    clocks: tuple[Clock, Clock],
    keys: _Keys,
    cancellation: Cancellation | None,
    ports: ExitStack,
) -> dict[str, Line]:
    """A line to every device that has one; the others are handed over as models.

    `clocks`: that of real ports, and that of what is emulated here.
    """
    clock, world_clock = clocks
    lines: dict[str, Line] = {}
    for spec in plot.prepared.installation.devices:
        reached = plot.station.reached(spec.name)
        if not reached.reach.on_a_line:
            continue
        kit: Any = load(DRIVERS, "lines")
        faults = tuple(
            entry.spec
            for number, entry in enumerate(plot.prepared.scenario.faults)
            if entry.target == spec.name
            and is_pipe_fault(entry.fault)
            and number not in struck_before(plot.captures, plot.prepared.scenario.scenario)
        )
        between = kit.Between(
            plot.captures, plot.prepared.scenario.scenario, faults, plot.seeded(spec.name)
        )
        if reached.reach is Reach.REAL:
            shared = keys.shared.get(spec.name, {})
            line = kit.real_line(
                spec, reached.profile, reached.port, clock, shared, between, cancellation
            )
        else:
            serve = partial(_serve, world, spec.name, plot.seeded(f"{spec.name}/device"))
            through_pty = reached.reach is Reach.PTY
            line = kit.emulated_line(
                spec, reached.profile, world_clock, serve, between, through_pty=through_pty
            )
        lines[spec.name] = ports.enter_context(closing(line))
    return lines


def _serve(world: EmulatedWorld, name: str, seed: str, profile: object, end: object) -> object:
    return load(EMULATORS, "wire-server")(world, name, profile, end, seed)

"""The kit that the device-interface conformance suite runs over, one per way of reaching devices.

A host is added here once, and every test of this folder runs over it too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from bench.clock import Clock, VirtualClock
from bench.devices import (
    CommsHub,
    Device,
    ElectricityMeter,
    GasMeter,
    InHomeDisplay,
    KeySlot,
    Meter,
    Role,
)
from bench.emulation import FaultSpec, Moment, PartyBehaviours
from bench.installation import DeviceSpec, Emulation, Installation
from bench.parties import Group, Inbox
from bench.secret import Secret
from bench.units import MILLISECOND, MINUTE, SECOND, Micros, parse_instant
from drivers.console_hub import ConsoleHub
from drivers.console_ihd import ConsoleDisplay
from drivers.dlms_meter import DlmsMeter as DlmsMeterDriver
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import Profile, TimingProfile, read_profile
from drivers.transport.memory import MemoryPort
from drivers.transport.opening import open_transport
from drivers.transport.pipe import Transport
from emulators.installation import EmulatedInstallation
from emulators.models.meter import Meter as MeterModel
from emulators.wire.console import ConsoleDevice, ConsoleModel
from emulators.wire.dlms_meter import DlmsMeter
from emulators.wire.wire_end import WireEnd
from tests.wire.pty_host import PtyHost
from tests.wire.skipping_clock import SkippingClock


@dataclass(frozen=True)
class Kit:
    """An installation as its caller meets it: devices, clock, and what the station file says."""

    installation: Installation
    devices: Mapping[str, Device]
    keys: Mapping[str, Secret]
    clock: Clock
    arm: Callable[[FaultSpec], None]
    world: EmulatedInstallation
    emulated: bool = True

    @property
    def electricity(self) -> ElectricityMeter:
        return cast(ElectricityMeter, self.devices["electricity"])

    @property
    def gas(self) -> GasMeter:
        return cast(GasMeter, self.meter("gas"))

    @property
    def hub(self) -> CommsHub:
        return cast(CommsHub, self.devices["hub"])

    @property
    def display(self) -> InHomeDisplay:
        return cast(InHomeDisplay, self.devices["display"])

    def device(self, name: str) -> Device:
        if name not in self.devices:
            pytest.skip(f"no {name} this way: it would take its time")
        return self.devices[name]

    def meter(self, name: str) -> Meter:
        return cast(Meter, self.device(name))

    def spec(self, name: str) -> DeviceSpec:
        return next(spec for spec in self.installation.devices if spec.name == name)

    def wait(self, span: Micros) -> None:
        self.clock.sleep_until(self.clock.now() + span)

    def fail_next(self, fault: str, target: str, request: str = "*") -> None:
        """The next such request to the device suffers the fault."""
        self.arm(FaultSpec(fault, target, Moment(request=request)))


def _installation(how: Emulation) -> Installation:
    maker, sleepy = "Example Meters", replace(how, reply_timeout=31 * MINUTE)
    roles = {
        "electricity": (Role.ELECTRICITY_METER, how),
        "gas": (Role.GAS_METER, sleepy),
        "hub": (Role.COMMS_HUB, replace(how, reboot_takes=40 * SECOND)),
        "display": (Role.IHD, how),
    }
    devices = tuple(
        DeviceSpec(name, role, f"SN{n}", f"70-B3-D5-1F-30-00-A0-{n:02X}", maker, "M1", "1.0", how)
        for n, (name, (role, how)) in enumerate(roles.items(), 1)
    )
    return Installation("I-1", Group.DA, devices, ("Alpha Energy",))


def _world(clock: Clock, how: Emulation) -> Kit:
    installation = _installation(how)
    keys = {
        spec.name: Secret(bytes([n] * 16), f"SUA of {spec.name}")
        for n, spec in enumerate(installation.meters)
    }
    world = EmulatedInstallation(
        installation,
        clock=clock,
        seed=7,
        inbox=Inbox(clock),
        behaviours=PartyBehaviours(),
        resubmission=None,
        device_keys={(name, KeySlot.SUA): key for name, key in keys.items()},
    )
    return Kit(installation, world.devices, keys, clock, world.arm, world)


def _direct(folder: Path, closing: ExitStack) -> Kit:
    return _world(VirtualClock(parse_instant("2021-04-08T09:30:00Z")), Emulation())


Open = Callable[[str, Profile], tuple[WireEnd, Transport]]

CONSOLES = {"hub": "generic-console-hub", "display": "generic-console-ihd"}
METERS = {"electricity": "generic-dlms-electricity", "gas": "generic-dlms-gas"}


def _wired(kit: Kit, timing: TimingProfile, open_: Open, without: frozenset[str]) -> Kit:
    """Every device on its port, but for those `without` one, which are not to be had."""
    world = kit.world
    consoles: dict[str, ConsoleDevice] = {}
    drivers: dict[str, Device] = {}
    for name, shipped in CONSOLES.items():
        profile = replace(read_profile(shipped), timing=timing)
        host, transport = open_(name, profile)
        model = cast("ConsoleModel", world.models[name])
        consoles[name] = ConsoleDevice(model, profile, kit.clock, host.send)
        host.attach(consoles[name])
        driver = ConsoleHub if name == "hub" else ConsoleDisplay
        drivers[name] = cast("Device", driver(name, profile, transport))
    for name in METERS.keys() - without:
        profile = read_profile(METERS[name])
        patience = max(timing.reply_timeout, kit.spec(name).emulation.reply_timeout)
        profile = replace(profile, timing=replace(timing, reply_timeout=patience))
        host, transport = open_(name, profile)
        meter = cast("MeterModel", world.models[name])
        keys = demo_meter_keys(meter.spec.eui64)
        host.attach(DlmsMeter(meter, profile, keys, host, channel=world.channel(name)))
        drivers[name] = DlmsMeterDriver(name, profile, transport, keys, eui64=meter.spec.eui64)

    def arm(fault: FaultSpec) -> None:
        if fault.target in consoles:
            assert fault.fault == "busy", "what else a line can suffer: drivers.pipe_faults"
            consoles[fault.target].refuse_next("busy")
        else:
            world.arm(fault)

    return replace(kit, devices=drivers, arm=arm)


def _emu(folder: Path, closing: ExitStack) -> Kit:
    kit = _direct(folder, closing)

    def open_(name: str, profile: Profile) -> tuple[WireEnd, Transport]:
        port = MemoryPort(name, kit.clock, profile.line.settings)
        return port, port.connect(profile.line.settings)

    return _wired(kit, TimingProfile(), open_, without=frozenset())


def _pty(folder: Path, closing: ExitStack) -> Kit:
    clock = SkippingClock()
    kit = _world(clock, Emulation(reply_timeout=_SOON))

    def open_(name: str, profile: Profile) -> tuple[WireEnd, Transport]:
        host = closing.enter_context(
            contextlib.closing(PtyHost(folder / name, clock, profile.line.settings))
        )
        transport = open_transport(str(host.path), profile.line.settings, clock, locks=folder)
        return host, closing.enter_context(transport)

    quick = TimingProfile(_SOON, MILLISECOND, 50 * MILLISECOND)
    return _wired(kit, quick, open_, without=frozenset({"gas"}))  # half an hour until it wakes


_SOON = 1_500 * MILLISECOND

Way = Callable[[Path, ExitStack], Kit]

HOSTS: dict[str, Way] = {"direct": _direct, "emu": _emu}
REAL_TIME_HOSTS: dict[str, Way] = {"pty": _pty}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Faults take their time-outs, so `test_errors` runs in virtual time only."""
    if "kit" in metafunc.fixturenames:
        waits = metafunc.module.__name__.endswith("test_errors")
        hosts = HOSTS if waits else HOSTS | REAL_TIME_HOSTS
        metafunc.parametrize("kit", hosts.values(), ids=hosts.keys(), indirect=True)


@pytest.fixture
def kit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kit]:
    host: Way = request.param
    with ExitStack() as closing:
        yield host(tmp_path, closing)

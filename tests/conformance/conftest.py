"""The kit that the device-interface conformance suite runs over, one per way of reaching devices.

A host is added here once, and every test of this folder runs over it too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
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
from bench.pytest_plugin import STATION
from bench.secret import Secret
from bench.shipped import find
from bench.staging import Plot, set_stage
from bench.station import read_station
from bench.suite_reading import read_suite
from bench.units import MILLISECOND, MINUTE, SECOND, Micros, format_duration, parse_instant
from drivers.console_hub import ConsoleHub
from drivers.console_ihd import ConsoleDisplay
from drivers.dlms_meter import DlmsMeter as DlmsMeterDriver
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import Profile, TimingProfile, read_profile
from drivers.transport.memory import MemoryPort
from drivers.transport.opening import open_transport
from drivers.transport.pipe import Transport
from drivers.transport.pty_memory import PtyMemoryPort
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
    patience: Micros | None = None

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
        if self.patience is not None and span > self.patience:
            pytest.skip(f"real time: the test would wait {format_duration(span)}")
        self.clock.sleep_until(self.clock.now() + span)

    def fail_next(self, fault: str, target: str, request: str = "*") -> None:
        """The next such request to the device suffers the fault."""
        self.arm(FaultSpec(fault, target, Moment(request=request)))


def _installation(how: Emulation, sleepy: Emulation) -> Installation:
    maker = "Example Meters"
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


def _world(clock: Clock, how: Emulation, sleepy: Emulation) -> Kit:
    installation = _installation(how, sleepy)
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
    return _world(VirtualClock(parse_instant("2021-04-08T09:30:00Z")), Emulation(), _HALF_HOURLY)


Open = Callable[[str, Profile], tuple[WireEnd, Transport]]

CONSOLES = {"hub": "generic-console-hub", "display": "generic-console-ihd"}
METERS = {"electricity": "generic-dlms-electricity", "gas": "generic-dlms-gas"}


def _wired(
    kit: Kit, timing: TimingProfile, open_: Open, without: frozenset[str] = frozenset()
) -> Kit:
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

    return _wired(kit, TimingProfile(), open_)


def _pty(folder: Path, closing: ExitStack) -> Kit:
    kit = _direct(folder, closing)

    def open_(name: str, profile: Profile) -> tuple[WireEnd, Transport]:
        settings = profile.line.settings
        port = PtyMemoryPort(name, kit.clock, settings, grain=50 * MILLISECOND)
        closing.enter_context(contextlib.closing(port))
        return port, port.connect(settings)

    return _wired(kit, TimingProfile(), open_)


def _wall_pty(
    folder: Path, closing: ExitStack, sleepy: Emulation, without: frozenset[str] = frozenset()
) -> Kit:
    clock = SkippingClock()
    kit = _world(clock, Emulation(reply_timeout=_SOON), sleepy)

    def open_(name: str, profile: Profile) -> tuple[WireEnd, Transport]:
        host = closing.enter_context(
            contextlib.closing(PtyHost(folder / name, clock, profile.line.settings))
        )
        transport = open_transport(str(host.path), profile.line.settings, clock, locks=folder)
        return host, closing.enter_context(transport)

    quick = TimingProfile(_SOON, MILLISECOND, 50 * MILLISECOND)
    return _wired(kit, quick, open_, without)


_SOON = 1_500 * MILLISECOND
_WAKES_SOON = Emulation(
    wakes_every=300 * MILLISECOND, awake_for=100 * MILLISECOND, reply_timeout=10 * SECOND
)
"""A sleepy meter that can be waited for in real time."""
_HALF_HOURLY = Emulation(reply_timeout=31 * MINUTE)

Way = Callable[[Path, ExitStack], Kit]

HOSTS: dict[str, Way] = {"direct": _direct, "emu": _emu, "pty": _pty}
REAL_TIME: Way = partial(_wall_pty, sleepy=_WAKES_SOON)
# What the hub says of the gas meter is said of one that wakes half-hourly; nobody waits for it.
REAL_TIME_AT_THE_HUB: Way = partial(_wall_pty, sleepy=_HALF_HOURLY, without=frozenset({"gas"}))


def _station(file: str, closing: ExitStack) -> Kit:
    """The devices of a station, as a run reaches them; nothing can be put into them."""
    station = read_station(find("stations", file))
    _, (prepared,) = read_suite(find("suites", "commissioning"), only=("da-commissioned",))
    if station.installation is not None:
        held = station.installation.as_installation("I-1", ("Alpha Energy",))
        prepared = replace(prepared, installation=held)
    stage = set_stage(Plot(prepared, station, seed=7), None)
    closing.callback(stage.close)

    def arm(fault: FaultSpec) -> None:
        pytest.skip(f"nothing can be put into the devices of --station {file}")

    return Kit(
        prepared.installation,
        stage.devices,
        {name: key for (name, _), key in stage.held.items()},
        stage.clock,
        arm,
        cast(EmulatedInstallation, stage.world),
        emulated=all(stage.emulated(spec.name) for spec in prepared.installation.devices),
        patience=2 * SECOND if station.real else None,
    )


# What may be asked of any kit, since it leaves the kit as it was.
LEAVES_KIT_AS_IT_WAS = frozenset(
    {
        "test_a_device_is_who_the_station_file_says_and_stays_so",
        "test_registers_are_exact_decimals_in_their_unit",
        "test_registers_never_fall_and_do_rise",
        "test_supply_is_on_and_payment_is_the_installations",
        "test_only_the_key_it_holds_proves",
        "test_a_device_states_its_key_without_giving_it_away",
        "test_the_han_table_lists_every_other_device_as_joined",
        "test_the_han_table_says_when_devices_were_last_heard",
        "test_the_mirror_holds_what_the_sleepy_meter_last_sent",
        "test_only_sleepy_members_of_the_han_are_mirrored",
        "test_the_display_shows_the_registers_while_joined",
    }
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Faults take their time-outs, so `test_errors` runs in virtual time only."""
    if "kit" in metafunc.fixturenames:
        module = metafunc.module.__name__.rpartition(".")[2]
        hosts: dict[str, Way | None] = {**HOSTS}
        if module != "test_errors":
            hosts["wall-pty"] = REAL_TIME_AT_THE_HUB if module == "test_hub" else REAL_TIME
        if metafunc.function.__name__ in LEAVES_KIT_AS_IT_WAS:
            hosts["station"] = None
        metafunc.parametrize("kit", hosts.values(), ids=hosts.keys(), indirect=True)


@pytest.fixture
def kit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kit]:
    host: Way | None = request.param
    with ExitStack() as closing:
        if host is None:
            file = request.config.getoption(STATION)  # of the bench's own plugin
            if not file:
                pytest.skip("real kit: pytest tests/conformance --station FILE")
            yield _station(file, closing)
            return
        yield host(tmp_path, closing)

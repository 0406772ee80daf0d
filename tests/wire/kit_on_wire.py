"""An emulated home and bench kit with their drivers, on any port: what wire tests build on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from bench.clock import Clock, VirtualClock
from bench.devices import KeySlot, Role
from bench.emulation import PartyBehaviours
from bench.installation import DeviceSpec, Emulation, Installation
from bench.parties import Group, Inbox
from bench.secret import Secret
from bench.units import MILLISECOND, MINUTE, SECOND, Micros, parse_instant
from drivers.profiles.profile import Profile, TimingProfile, read_profile
from drivers.transport.memory import MemoryPort
from emulators.installation import EmulatedInstallation
from emulators.models.comms_hub import CommsHub
from emulators.models.electricity_meter import ElectricityMeter
from emulators.models.gas_meter import GasMeter
from emulators.models.ihd import InHomeDisplay
from emulators.models.reference_meter import ReferenceMeter
from emulators.models.relay_board import RelayBoard
from emulators.wire.console import ConsoleDevice
from emulators.wire.modbus import ModbusDevices, ReferenceMeterUnit, RelayBoardUnit, Unit
from emulators.wire.wire_end import WireEnd

START = parse_instant("2021-04-08T09:30:00Z")
HUB = read_profile("generic-console-hub")
IHD = read_profile("generic-console-ihd")
BOARD = read_profile("generic-modbus-relay-board")
METER = read_profile("generic-modbus-reference-meter")


def timed(profile: Profile, timing: TimingProfile) -> Profile:
    return replace(profile, timing=timing)


def quick(profile: Profile) -> Profile:
    """For the wall clock: a device that answers at once and a driver that soon gives up."""
    return timed(profile, TimingProfile(1500 * MILLISECOND, MILLISECOND, 30 * MILLISECOND))


@dataclass
class Home:
    """One emulated installation and the bench kit in front of it: channel 1 feeds the meter."""

    world: EmulatedInstallation
    clock: Clock
    board: RelayBoard
    witness: ReferenceMeter

    @property
    def hub(self) -> CommsHub:
        return cast(CommsHub, self.world.models["hub"])

    @property
    def display(self) -> InHomeDisplay:
        return cast(InHomeDisplay, self.world.models["display"])

    @property
    def gas(self) -> GasMeter:
        return cast(GasMeter, self.world.models["gas"])

    @property
    def electricity(self) -> ElectricityMeter:
        return cast(ElectricityMeter, self.world.models["electricity"])

    def hang_console(self, name: str, profile: Profile, host: WireEnd) -> ConsoleDevice:
        model = self.hub if name == "hub" else self.display
        device = ConsoleDevice(model, profile, self.clock, host.send)
        host.line = profile.line.settings
        host.attach(device)
        return device

    def bench_kit(
        self, host: WireEnd, board: Profile = BOARD, meter: Profile = METER
    ) -> ModbusDevices:
        units: list[Unit] = [
            RelayBoardUnit(self.board, board),
            ReferenceMeterUnit(self.witness, meter),
        ]
        return ModbusDevices(units, self.clock, host.send)

    def hang_bench_kit(self, host: WireEnd, board: Profile = BOARD, meter: Profile = METER) -> None:
        host.attach(self.bench_kit(host, board, meter))

    def console_port(
        self, name: str, profile: Profile, grain: Micros = 5 * MILLISECOND
    ) -> MemoryPort:
        """`grain` 0: octet by octet."""
        port = MemoryPort(name, self.clock, profile.line.settings, grain=grain)
        self.hang_console(name, profile, port)
        return port

    def bench_port(
        self, board: Profile = BOARD, meter: Profile = METER, grain: Micros = 5 * MILLISECOND
    ) -> MemoryPort:
        port = MemoryPort("rs485", self.clock, board.line.settings, grain=grain)
        self.hang_bench_kit(port, board, meter)
        return port


def home(
    clock: Clock | None = None,
    reaction: Micros = 50 * MILLISECOND,
    reboot_takes: Micros = 40 * SECOND,
) -> Home:
    """`reaction` is that of the `direct:` host; on the wire the profile has it."""
    clock = clock or VirtualClock(START)
    emulation = Emulation(reaction=reaction)
    hows = {
        "electricity": (Role.ELECTRICITY_METER, emulation),
        "gas": (Role.GAS_METER, replace(emulation, reply_timeout=31 * MINUTE)),
        "hub": (Role.COMMS_HUB, replace(emulation, reboot_takes=reboot_takes)),
        "display": (Role.IHD, emulation),
    }
    devices = tuple(
        DeviceSpec(name, role, f"SN{n}", f"70-B3-D5-1F-30-00-A0-{n:02X}", "Maker", "M1", "1.0", how)
        for n, (name, (role, how)) in enumerate(hows.items(), 1)
    )
    world = EmulatedInstallation(
        Installation("I-1", Group.DA, devices, ("Alpha Energy",)),
        clock=clock,
        seed=7,
        inbox=Inbox(clock),
        behaviours=PartyBehaviours(),
        resubmission=None,
        device_keys={
            (name, KeySlot.SUA): Secret(bytes(16), name) for name in ("electricity", "gas")
        },
    )
    meter = world.models["electricity"]
    board = RelayBoard(clock, 8, {1: [meter], 2: [world.models["hub"]]})
    assert METER.modbus is not None
    assert METER.modbus.reference_meter is not None
    witness = ReferenceMeter(clock, board, 1, METER.modbus.reference_meter.uncertainty)
    return Home(world, clock, board, witness)

"""One emulated device on a wire, by its profile: what a capture is replayed against.

The device lives in a small home with one of each kind, so that a hub has something to list. The
same profile makes the same device.
"""

from __future__ import annotations

import random
from typing import Final

from bench.clock import Clock
from bench.demo_keys import demo_key
from bench.devices import KeySlot, Role
from bench.emulation import PartyBehaviours
from bench.errors import UsageError
from bench.installation import DeviceSpec, Emulation, Installation
from bench.parties import Group, Inbox
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.parts import reference_part, relay_part
from drivers.profiles.profile import Profile
from drivers.transport.memory import WirePeer
from emulators.installation import EmulatedInstallation
from emulators.models.comms_hub import CommsHub
from emulators.models.electricity_meter import ElectricityMeter
from emulators.models.ihd import InHomeDisplay
from emulators.models.meter import Meter
from emulators.models.reference_meter import ReferenceMeter
from emulators.models.relay_board import RelayBoard
from emulators.wire.console import ConsoleDevice
from emulators.wire.dlms_meter import DlmsMeter
from emulators.wire.modbus import ModbusDevices, ReferenceMeterUnit, RelayBoardUnit, Unit
from emulators.wire.wire_end import WireEnd

_SEED: Final = 1
_FIRMWARE: Final = "1.0"
_CHALLENGE: Final = 16
_HOME: Final = (Role.ELECTRICITY_METER, Role.GAS_METER, Role.COMMS_HUB, Role.IHD)


def lone_device(profile: Profile, end: WireEnd) -> WirePeer:
    """The device of `profile`, for `end` to be attached to; it speaks through `end`.

    A meter holds the public test keys of its EUI-64. `UsageError`: no emulated device of that role
    and protocol is there.
    """
    clock = end.clock
    world = _home(profile, clock)
    model = next((m for m in world.models.values() if m.spec.role is profile.role), None)
    if isinstance(model, Meter) and profile.dlms is not None:
        keys = demo_meter_keys(model.spec.eui64)
        challenges = random.Random(_SEED)
        return DlmsMeter(
            model, profile, keys, end, challenge=lambda: challenges.randbytes(_CHALLENGE)
        )
    if isinstance(model, CommsHub | InHomeDisplay) and profile.console is not None:
        return ConsoleDevice(model, profile, clock, end.send)
    if profile.role in (Role.RELAY_BOARD, Role.REFERENCE_METER):
        return ModbusDevices([_bench_unit(profile, world, clock)], clock, end.send)
    raise UsageError(f"profile {profile.profile}: nothing emulates a {profile.role} on such a port")


def _bench_unit(profile: Profile, world: EmulatedInstallation, clock: Clock) -> Unit:
    meters = [each for each in world.models.values() if isinstance(each, ElectricityMeter)]
    if profile.role is Role.RELAY_BOARD:
        _, relays = relay_part(profile)
        return RelayBoardUnit(RelayBoard(clock, relays.channels, {1: meters}), profile)
    _, reference = reference_part(profile)
    board = RelayBoard(clock, 1, {1: meters})
    return ReferenceMeterUnit(ReferenceMeter(clock, board, 1, reference.uncertainty), profile)


def _home(profile: Profile, clock: Clock) -> EmulatedInstallation:
    firmware = profile.firmware[0] if profile.firmware else _FIRMWARE
    devices = tuple(
        DeviceSpec(
            str(role),
            role,
            f"SN{number}",
            f"70-B3-D5-1F-30-00-B0-{number:02X}",
            "Example",
            "EX1",
            firmware if role is profile.role else _FIRMWARE,
            Emulation(),
        )
        for number, role in enumerate(_HOME, 1)
    )
    return EmulatedInstallation(
        Installation("lone-device", Group.DA, devices, ("Example Energy",)),
        clock=clock,
        seed=_SEED,
        inbox=Inbox(clock),
        behaviours=PartyBehaviours(),
        resubmission=None,
        device_keys={
            (spec.name, slot): demo_key(spec.eui64, slot)
            for spec in devices
            if spec.role in (Role.ELECTRICITY_METER, Role.GAS_METER)
            for slot in KeySlot
        },
    )

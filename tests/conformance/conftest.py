"""The kit that the device-interface conformance suite runs over, one per way of reaching devices.

A host is added here once, and every test of this folder runs over it too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from bench.units import MINUTE, SECOND, Micros, parse_instant
from emulators.installation import EmulatedInstallation


@dataclass(frozen=True)
class Kit:
    """An installation as its caller meets it: devices, clock, and what the station file says."""

    installation: Installation
    devices: Mapping[str, Device]
    keys: Mapping[str, Secret]
    clock: Clock
    arm: Callable[[FaultSpec], None]

    @property
    def electricity(self) -> ElectricityMeter:
        return cast(ElectricityMeter, self.devices["electricity"])

    @property
    def gas(self) -> GasMeter:
        return cast(GasMeter, self.devices["gas"])

    @property
    def hub(self) -> CommsHub:
        return cast(CommsHub, self.devices["hub"])

    @property
    def display(self) -> InHomeDisplay:
        return cast(InHomeDisplay, self.devices["display"])

    def meter(self, name: str) -> Meter:
        return cast(Meter, self.devices[name])

    def spec(self, name: str) -> DeviceSpec:
        return next(spec for spec in self.installation.devices if spec.name == name)

    def wait(self, span: Micros) -> None:
        self.clock.sleep_until(self.clock.now() + span)

    def fail_next(self, fault: str, target: str, request: str = "*") -> None:
        """The next such request to the device suffers the fault."""
        self.arm(FaultSpec(fault, target, Moment(request=request)))


def _installation() -> Installation:
    maker, sleepy = "Example Meters", Emulation(reply_timeout=31 * MINUTE)
    roles = {
        "electricity": (Role.ELECTRICITY_METER, Emulation()),
        "gas": (Role.GAS_METER, sleepy),
        "hub": (Role.COMMS_HUB, Emulation(reboot_takes=40 * SECOND)),
        "display": (Role.IHD, Emulation()),
    }
    devices = tuple(
        DeviceSpec(name, role, f"SN{n}", f"70-B3-D5-1F-30-00-A0-{n:02X}", maker, "M1", "1.0", how)
        for n, (name, (role, how)) in enumerate(roles.items(), 1)
    )
    return Installation("I-1", Group.DA, devices, ("Alpha Energy",))


def _direct() -> Kit:
    installation = _installation()
    clock = VirtualClock(parse_instant("2021-04-08T09:30:00Z"))
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
    return Kit(installation, world.devices, keys, clock, world.arm)


HOSTS: dict[str, Callable[[], Kit]] = {"direct": _direct}


@pytest.fixture(params=HOSTS)
def kit(request: pytest.FixtureRequest) -> Kit:
    return HOSTS[request.param]()

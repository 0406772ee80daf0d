"""An emulated installation with its parties, built as a test wants it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import cast

import pytest

from bench.clock import VirtualClock
from bench.devices import (
    CommsHub,
    ElectricityMeter,
    GasMeter,
    InHomeDisplay,
    KeySlot,
    PaymentMode,
    Role,
)
from bench.emulation import (
    DeviceTruth,
    FaultSpec,
    Moment,
    PartyBehaviours,
    ResubmissionPolicy,
)
from bench.installation import DeviceSpec, Emulation, Installation
from bench.parties import Group, Inbox, Message
from bench.secret import Secret
from bench.trace import Opened
from bench.units import MINUTE, Micros, parse_instant
from emulators.installation import EmulatedInstallation

START = parse_instant("2021-04-08T09:30:00Z")
ROLES = {
    "electricity": Role.ELECTRICITY_METER,
    "gas": Role.GAS_METER,
    "hub": Role.COMMS_HUB,
    "display": Role.IHD,
}


@dataclass
class World:
    """`emulations` overrides a device's emulation; everything else has the bench's defaults."""

    payment: PaymentMode = PaymentMode.CREDIT
    suppliers: tuple[str, ...] = ("Alpha Energy",)
    behaviours: PartyBehaviours = field(default_factory=PartyBehaviours)
    resubmission: ResubmissionPolicy | None = None
    emulations: dict[str, Emulation] = field(default_factory=dict)
    seed: int = 7
    start: Micros = START

    def __post_init__(self) -> None:
        self.clock = VirtualClock(self.start)
        self.inbox = Inbox(self.clock)
        usual = {"gas": Emulation(reply_timeout=31 * MINUTE, first_register=Decimal("4321.000"))}
        devices = tuple(
            DeviceSpec(
                name,
                role,
                f"SN{n}",
                f"70-B3-D5-1F-30-00-A0-{n:02X}",
                "Example Meters",
                "M1",
                "1.0",
                self.emulations.get(name, usual.get(name, Emulation())),
            )
            for n, (name, role) in enumerate(ROLES.items(), 1)
        )
        self.installation = Installation("I-1", Group.DA, devices, self.suppliers, self.payment)
        self.keys = {
            spec.name: Secret(bytes([n] * 16), f"SUA of {spec.name}")
            for n, spec in enumerate(self.installation.meters)
        }
        self.emulated = EmulatedInstallation(
            self.installation,
            clock=self.clock,
            seed=self.seed,
            inbox=self.inbox,
            behaviours=self.behaviours,
            resubmission=self.resubmission,
            device_keys={(name, KeySlot.SUA): key for name, key in self.keys.items()},
        )
        self.parties = self.emulated.parties

    @property
    def electricity(self) -> ElectricityMeter:
        return cast(ElectricityMeter, self.emulated.devices["electricity"])

    @property
    def gas(self) -> GasMeter:
        return cast(GasMeter, self.emulated.devices["gas"])

    @property
    def hub(self) -> CommsHub:
        return cast(CommsHub, self.emulated.devices["hub"])

    @property
    def display(self) -> InHomeDisplay:
        return cast(InHomeDisplay, self.emulated.devices["display"])

    def eui64(self, name: str) -> str:
        return next(spec.eui64 for spec in self.installation.devices if spec.name == name)

    def truth(self, name: str) -> DeviceTruth:
        return self.emulated.truth().devices[name]

    def wait(self, span: Micros) -> None:
        self.clock.sleep_until(self.clock.now() + span)

    def open(self) -> None:
        """The trace's first event; faults' `after` runs from here."""
        self.emulated.observe(Opened(at=self.clock.now(), installation="I-1", group="DA"))

    def strike(
        self,
        fault: str,
        target: str,
        *,
        lasts: Micros | None = None,
        times: int = 1,
        code: str = "",
        by: int | None = None,
        moment: Moment | None = None,
    ) -> None:
        """Arms the fault; without a moment it strikes now."""
        when = moment or Moment(after=0)
        self.emulated.arm(FaultSpec(fault, target, when, lasts, times, code, by))
        if moment is None:
            self.open()
            self.wait(0)

    def arrivals(self, *kinds: type[Message], within: Micros) -> list[tuple[Micros, Message]]:
        """All that reaches the inbox in that time, each with its arrival since the start."""
        until = self.clock.now() + within
        got = []
        while (taken := self.inbox.take(kinds, until)) is not None:
            got.append((taken[0] - self.start, taken[1]))
        return got


@pytest.fixture(scope="session")
def build() -> Callable[..., World]:
    return World


@pytest.fixture
def world() -> World:
    return World()

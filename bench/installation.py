"""What an installation consists of, and how its emulated form behaves: plain frozen data.

Read from files by `bench.installation_file`; used by the process, the emulators and the runner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from bench.devices import PaymentMode, Role
from bench.parties import Group, ListedDevice
from bench.units import HOUR, MINUTE, SECOND, Micros


@dataclass(frozen=True, slots=True)
class Emulation:
    """How the emulated form of a device behaves; nothing here exists for real kit.

    `drift_ppm`: parts per million its clock runs fast. `load_w`: mean load of the load curve
    (electricity) or thermal load (gas). `wakes_every`/`awake_for`: a sleepy meter's schedule.
    `reaction`: from the end of a request to the start of the answer. `reply_timeout`: how long a
    caller waits for an answer. `lockout_after` wrong keys it refuses for `lockout_for`.
    A sleepy meter is reached only if its next wake-up comes within `reply_timeout`. `wan_sleeps`:
    the hub's modem is dormant after a start until an SMS wakes it. `deviant`: it misbehaves as the
    deviant of that name does (`smets1-bench list deviants`).
    """

    drift_ppm: int = 12
    load_w: int = 420
    wakes_every: Micros = 30 * MINUTE
    awake_for: Micros = 10 * SECOND
    reaction: Micros = 50_000
    reply_timeout: Micros = 10 * SECOND
    reboot_takes: Micros = 90 * SECOND
    lockout_after: int = 3
    lockout_for: Micros = 24 * HOUR
    balance: Decimal = Decimal("12.40")
    first_register: Decimal = Decimal("18234.561")
    wan_sleeps: bool = False
    deviant: str = ""


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """One device of an installation, by its name on the station (`electricity`, `gas`, `hub`…)."""

    name: str
    role: Role
    serial_number: str
    eui64: str
    manufacturer: str
    model: str
    firmware: str
    emulation: Emulation = field(default_factory=Emulation)
    listed: ListedDevice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        listed = ListedDevice(self.name, self.role, self.eui64, self.manufacturer, self.model)
        object.__setattr__(self, "listed", listed)


_ESME: Final = Role.ELECTRICITY_METER
_GSME: Final = Role.GAS_METER


@dataclass(frozen=True, slots=True)
class Installation:
    """The smart kit in one home and who supplies it."""

    name: str
    group: Group
    devices: tuple[DeviceSpec, ...]
    suppliers: tuple[str, ...]
    payment: PaymentMode = PaymentMode.CREDIT

    @property
    def split(self) -> bool:
        """Two active suppliers [C s5]."""
        return len(self.suppliers) > 1

    def with_role(self, *roles: Role) -> tuple[DeviceSpec, ...]:
        return tuple([device for device in self.devices if device.role in roles])

    @property
    def meters(self) -> tuple[DeviceSpec, ...]:
        return tuple([d for d in self.devices if d.role is _ESME or d.role is _GSME])

    @property
    def hub(self) -> DeviceSpec:
        for device in self.devices:  # asked for at every step: no tuple is made for it
            if device.role is Role.COMMS_HUB:
                return device
        raise LookupError(f"{self.name}: an installation has one communications hub, not none")


def with_deviants(installation: Installation, deviants: Mapping[str, str]) -> Installation:
    """The same with deviants in the place of devices; a name that it has not is passed over."""
    if not deviants:
        return installation
    devices = tuple(
        replace(spec, emulation=replace(spec.emulation, deviant=deviants[spec.name]))
        if spec.name in deviants
        else spec
        for spec in installation.devices
    )
    return replace(installation, devices=devices)

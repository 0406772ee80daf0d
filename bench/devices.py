"""The common interface: what can be asked of a device, whoever answers.

Real kit behind a serial port and emulated kit in memory implement the same small capabilities
(`typing.Protocol`); a *role* combines them. Every call may raise the errors of `bench.errors`:

- `NoReply`, `Garbled`, `Refused`, `AuthenticationFailed`, `WrongDevice` are the device's fault;
- a call that changes something and whose reply was lost raises `Ambiguous`, never `NoReply`; its
  docstring names the way to settle it;
- a dead port, a stuck relay, a busy lock is a `BenchError`, and so is whatever goes wrong with the
  bench's own kit: it must never be booked against a device.

Reads are safe to repeat. Energy is in kWh, gas volume in m³, both `Decimal`; times are whole
microseconds UTC; a device's own clock is reported as the device states it, uncorrected.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from bench.secret import Secret
from bench.units import Micros


class Role(StrEnum):
    """What a device is to the installation or to the bench."""

    ELECTRICITY_METER = "electricity-meter"
    GAS_METER = "gas-meter"
    COMMS_HUB = "comms-hub"
    IHD = "ihd"
    RELAY_BOARD = "relay-board"
    REFERENCE_METER = "reference-meter"


METERS: Final = (Role.ELECTRICITY_METER, Role.GAS_METER)
"""Electricity first, as everywhere."""


class SupplyState(StrEnum):
    """The meter's supply contactor (electricity) or valve (gas)."""

    ON = "on"
    OFF = "off"
    ARMED = "armed"  # off, and the consumer may switch it on


class PaymentMode(StrEnum):
    CREDIT = "credit"
    PREPAYMENT = "prepayment"


class KeySlot(StrEnum):
    """Keys a device holds. `SUA` is rotated on group DA [S rows 12, 15]."""

    SUA = "SUA"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a device says it is. `eui64` as `70-B3-D5-1F-30-00-A0-08`."""

    role: Role
    serial_number: str
    eui64: str
    manufacturer: str
    model: str
    firmware: str


@dataclass(frozen=True, slots=True)
class RegisterReading:
    """Cumulative registers at one moment.

    `source_at` is when the meter itself held these values, `read_at` when the bench got them; they
    differ where a hub mirrors a sleepy gas meter.
    """

    values: tuple[tuple[str, Decimal], ...]
    unit: str
    source_at: Micros
    read_at: Micros

    @property
    def staleness(self) -> Micros:
        """How old the values were when they were read, microseconds."""
        return self.read_at - self.source_at


@dataclass(frozen=True, slots=True)
class Payment:
    """Payment mode and, for prepayment, the balance in pounds (negative: emergency credit used)."""

    mode: PaymentMode
    balance: Decimal


@dataclass(frozen=True, slots=True)
class KeyState:
    """What a device says of one key: which version, which check value, the newest counter seen.

    It is the device's word, not a proof; `HasKeys.prove_key` is the proof.
    """

    slot: KeySlot
    version: int
    check_value: str
    counter: int


@dataclass(frozen=True, slots=True)
class WanState:
    """The hub's wide-area link. `wake_ups` counts the SMS that reached it (each costs money)."""

    connected: bool
    wake_ups: int


@dataclass(frozen=True, slots=True)
class HubDiagnostics:
    """The hub's own counts. `power_ups`: starts since manufacture or since it began to count;
    `uptime`: microseconds since the last of them; `last_gasps`: last-gasp messages it got out.
    """

    power_ups: int
    uptime: Micros
    last_gasps: int


@dataclass(frozen=True, slots=True)
class HanDevice:
    """One row of the hub's HAN device table. `last_heard` None: never since the hub started."""

    eui64: str
    role: Role
    joined: bool
    last_heard: Micros | None


@dataclass(frozen=True, slots=True)
class DisplayState:
    """What an in-home display shows and which HAN it belongs to (the hub's EUI-64, or None)."""

    joined_to: str | None
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A reference meter's reading: volts, watts, kWh.

    `uncertainty`: expanded (k=2), of each of them, relative to it: 0.002 is 0.2 % of the reading.
    """

    voltage_v: Decimal
    power_w: Decimal
    energy_kwh: Decimal
    uncertainty: Decimal
    measured_at: Micros


class Identifiable(Protocol):
    def identify(self) -> Identity:
        """Role, serial number, EUI-64, manufacturer, model, firmware as the device states them."""


class HasClock(Protocol):
    def read_clock(self) -> Micros:
        """The device's own idea of UTC."""

    def set_clock(self, to: Micros) -> None:
        """Sets the device's clock. Repeating it is safe; settle `Ambiguous` with `read_clock`."""


class HasRegisters(Protocol):
    def read_registers(self) -> RegisterReading: ...


class HasSupply(Protocol):
    def supply_state(self) -> SupplyState: ...

    def read_payment(self) -> Payment: ...


class HasKeys(Protocol):
    def key_state(self, slot: KeySlot) -> KeyState: ...

    def prove_key(self, slot: KeySlot, key: Secret) -> bool:
        """Challenge and response: True proves that the device holds `key` now.

        False proves only that the answer did not fit. A wrong key may count towards the device's
        lockout, then `Refused`; so a caller keeps a budget.
        """

    def rotate_key(self, slot: KeySlot, new: Secret, counter: int) -> None:
        """Replaces the key. A device refuses a `counter` not above the newest it has seen.

        Settle `Ambiguous` with `prove_key`: the new key first, then the old.
        """


class HasHub(Protocol):
    def wan_state(self) -> WanState: ...

    def wake(self) -> None:
        """Sends the hub a wake-up SMS. Costs money; repeatable, but each one counts."""

    def han_devices(self) -> tuple[HanDevice, ...]: ...

    def permit_join(self, seconds: int) -> None:
        """Opens the HAN for joining. Undo: `permit_join(0)`. Settle with `han_devices`."""

    def remove_device(self, eui64: str) -> None:
        """Removes a device from the HAN. Settle with `han_devices`."""

    def reboot(self) -> None:
        """Restarts the hub, which takes time. Settle by the power-ups of `diagnostics`."""

    def diagnostics(self) -> HubDiagnostics: ...

    def mirrored_registers(self, eui64: str) -> RegisterReading:
        """The hub's copy of a sleepy meter's registers, with the time the meter sent them."""


class HasDisplay(Protocol):
    def display_state(self) -> DisplayState: ...


class ElectricityMeter(Identifiable, HasClock, HasRegisters, HasSupply, HasKeys, Protocol):
    """ESME."""


class GasMeter(Identifiable, HasClock, HasRegisters, HasSupply, HasKeys, Protocol):
    """GSME: on battery, asleep most of the time; calls wait for its next wake-up."""


class CommsHub(Identifiable, HasHub, Protocol):
    """The communications hub: WAN, HAN and the gas mirror."""


class InHomeDisplay(Identifiable, HasDisplay, Protocol):
    """IHD."""


class PowerSwitch(Protocol):
    """A relay board that feeds or cuts devices' mains, one channel each (from 1)."""

    def set_channel(self, channel: int, *, closed: bool) -> None:
        """Switches and reads back; raises `RelayStuck` when the relay did not follow.

        Safe to repeat. `KitFault`: the board does not answer, and nobody knows how it stands.
        """

    def channel_closed(self, channel: int) -> bool:
        """Where the relay is. `KitFault` if the board does not answer."""


class ReferenceMeter(Protocol):
    def measure(self) -> Measurement:
        """All three at one moment. `KitFault` if the meter does not answer."""


Meter = ElectricityMeter | GasMeter
Device = ElectricityMeter | GasMeter | CommsHub | InHomeDisplay

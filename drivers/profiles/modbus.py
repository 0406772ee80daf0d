"""The `modbus` section of a device profile: where bench kit keeps what, in Modbus' own terms.

Addresses count from 0, as on the wire; a manual that counts from 1 or writes 40001 means one less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bench.devices import Role
from bench.units import MILLISECOND, Micros


class Table(StrEnum):
    """Functions 3 and 4 for registers; 1 and 2 for bits."""

    HOLDING = "holding"
    INPUT = "input"


class NumberForm(StrEnum):
    """How registers of 16 bits hold a number; `f32` is IEEE 754."""

    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    F32 = "f32"

    @property
    def registers(self) -> int:
        return 1 if self in (NumberForm.U16, NumberForm.I16) else 2


class WordOrder(StrEnum):
    HIGH_FIRST = "high-first"
    LOW_FIRST = "low-first"


class ReadBack(StrEnum):
    """What tells whether a relay followed: its coil, or a contact wired to a discrete input."""

    COILS = "coils"
    INPUTS = "inputs"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number at `address`; its value is what is held × 10^`scale`, in the interface's unit.

    `decimals`: for `f32`, to how many decimals the device is to be believed.
    """

    address: int
    form: NumberForm = NumberForm.U16
    table: Table = Table.INPUT
    scale: int = 0
    order: WordOrder = WordOrder.HIGH_FIRST
    decimals: int = 3


@dataclass(frozen=True, slots=True)
class RelayMap:
    """Channel n is coil `first_coil` + n - 1. `closed_when`: the coil's value when it feeds.

    A normally closed contact feeds while its coil is off: `closed-when: false`. A board wired so
    keeps the devices fed when it loses its own power. `travel`: from the command until the contact
    is where it should be.
    """

    channels: int
    first_coil: int = 0
    closed_when: bool = True
    travel: Micros = 20 * MILLISECOND
    read_back: ReadBack = ReadBack.COILS
    first_input: int = 0


@dataclass(frozen=True, slots=True)
class ReferenceMap:
    """`uncertainty`: expanded (k=2), relative to the reading: 0.002 is 0.2 %."""

    voltage: Quantity
    power: Quantity
    energy: Quantity
    uncertainty: Decimal


@dataclass(frozen=True, slots=True)
class ModbusProfile:
    """Exactly one of the maps, as the role says."""

    unit: int = 1
    relay_board: RelayMap | None = None
    reference_meter: ReferenceMap | None = None


Place = tuple[str | int, ...]
"""A place in the section, from its root."""


def complaints(profile: ModbusProfile, role: Role) -> Iterator[tuple[Place, str]]:
    """Everything wrong with the section, each with its place."""
    maps = {
        Role.RELAY_BOARD: ("relay-board", profile.relay_board),
        Role.REFERENCE_METER: ("reference-meter", profile.reference_meter),
    }
    if role not in maps:
        yield (), f"no Modbus driver knows the role {role}"
        return
    if not 1 <= profile.unit <= 247:
        yield ("unit",), f"expected 1 to 247, got {profile.unit}"
    for of, (key, given) in maps.items():
        if of is role and given is None:
            yield (), f"missing key '{key}'"
        elif of is not role and given is not None:
            yield (key,), f"does not belong to the role {role}"
    if profile.relay_board is not None:
        yield from _relay_complaints(profile.relay_board)
    if profile.reference_meter is not None:
        yield from _reference_complaints(profile.reference_meter)


def _relay_complaints(board: RelayMap) -> Iterator[tuple[Place, str]]:
    if not 1 <= board.channels <= 64:
        yield ("relay-board", "channels"), f"expected 1 to 64, got {board.channels}"
    for key, first in (("first-coil", board.first_coil), ("first-input", board.first_input)):
        if not 0 <= first <= 0x10000 - max(1, board.channels):
            yield ("relay-board", key), f"expected an address from 0, got {first}"


def _reference_complaints(meter: ReferenceMap) -> Iterator[tuple[Place, str]]:
    for name in ("voltage", "power", "energy"):
        quantity: Quantity = getattr(meter, name)
        place = ("reference-meter", name)
        if not 0 <= quantity.address <= 0x10000 - quantity.form.registers:
            yield (*place, "address"), f"expected an address from 0, got {quantity.address}"
        if not -9 <= quantity.scale <= 9:
            yield (*place, "scale"), f"expected -9 to 9, got {quantity.scale}"
        if not 0 <= quantity.decimals <= 9:
            yield (*place, "decimals"), f"expected 0 to 9, got {quantity.decimals}"
    if not 0 <= meter.uncertainty < 1:
        yield ("reference-meter", "uncertainty"), f"expected 0 to 1, got {meter.uncertainty}"

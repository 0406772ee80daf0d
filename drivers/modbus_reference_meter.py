"""A reference meter on Modbus RTU: an independent witness of what a device is fed.

meter = connect("/dev/serial/by-id/usb-rs485", profile="generic-modbus-reference-meter")
meter.measure()
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from bench.clock import Clock
from bench.devices import Measurement
from bench.errors import KitFault
from drivers.codecs.modbus_messages import ReadRegisters
from drivers.modbus_unit import ModbusUnit
from drivers.opening import open_with
from drivers.profiles.modbus import Quantity, Table
from drivers.profiles.modbus_values import decoded
from drivers.profiles.parts import reference_part
from drivers.profiles.profile import Profile
from drivers.transport.bus import SharedBus
from drivers.transport.emulated import EmulatedPorts
from drivers.transport.pipe import Transport


class ModbusReferenceMeter:
    """`bench.devices.ReferenceMeter`.

    Quantities that adjoin are read in one request, so that they are of one moment; where a profile
    scatters them they are read one after the other, and `measured_at` is when the last came.
    """

    def __init__(self, name: str, profile: Profile, line: Transport | SharedBus) -> None:
        modbus, self._map = reference_part(profile)
        self.name = name
        self._clock = line.clock
        self._unit = ModbusUnit(name, modbus.unit, profile.timing, line)

    def measure(self) -> Measurement:
        meter = self._map
        held: dict[str, Decimal] = {}
        wanted = {"voltage": meter.voltage, "power": meter.power, "energy": meter.energy}
        for group in _adjoining(wanted):
            held |= self._values({name: wanted[name] for name in group})
        return Measurement(
            held["voltage"], held["power"], held["energy"], meter.uncertainty, self._clock.now()
        )

    def close(self) -> None:
        self._unit.close()

    def _values(self, group: Mapping[str, Quantity]) -> dict[str, Decimal]:
        """`group`: quantities that adjoin, in the order of their addresses."""
        held = list(group.values())
        first, last = held[0], held[-1]
        count = last.address + last.form.registers - first.address
        request = ReadRegisters(first.address, count, inputs=first.table is Table.INPUT)
        words = self._unit.read_registers("measure", request)
        values: dict[str, Decimal] = {}
        for name, quantity in group.items():
            start = quantity.address - first.address
            try:
                values[name] = decoded(quantity, words[start : start + quantity.form.registers])
            except ValueError as error:
                raise KitFault(f"{self.name}: measure: {name}: {error}") from None
        return values


def _adjoining(quantities: Mapping[str, Quantity]) -> list[list[str]]:
    """Runs of registers without a gap: a meter may refuse to read an address it does not have."""
    groups: list[list[str]] = []
    end: tuple[Table, int] | None = None
    for name, quantity in sorted(quantities.items(), key=lambda item: _place(item[1])):
        if end != _place(quantity):
            groups.append([])
        groups[-1].append(name)
        end = (quantity.table, quantity.address + quantity.form.registers)
    return groups


def _place(quantity: Quantity) -> tuple[Table, int]:
    return (quantity.table, quantity.address)


def connect(
    port: str,
    *,
    profile: str | Profile = "generic-modbus-reference-meter",
    name: str = "reference-meter",
    clock: Clock | None = None,
    emulated: EmulatedPorts | None = None,
) -> ModbusReferenceMeter:
    """For the Python prompt: opens `port` with the profile's line settings. Asks nothing yet."""
    held, transport = open_with(profile, port, clock, emulated)
    return ModbusReferenceMeter(name, held, transport)

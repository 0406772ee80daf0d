"""A reference meter on Modbus RTU: an independent witness of what a device is fed.

meter = connect("/dev/serial/by-id/usb-rs485", profile="generic-modbus-reference-meter")
meter.measure()
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from bench.clock import Clock, WallClock
from bench.devices import Measurement
from bench.errors import KitFault
from drivers.codecs.modbus_rtu import ReadRegisters
from drivers.modbus_unit import ModbusUnit
from drivers.profiles.modbus import Quantity, Table
from drivers.profiles.modbus_values import decoded
from drivers.profiles.parts import reference_part
from drivers.profiles.profile import Profile, read_profile
from drivers.transport.bus import SharedBus
from drivers.transport.emulated import EmulatedPorts
from drivers.transport.opening import open_transport
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
        held: dict[int, Decimal] = {}
        for group in _adjoining((meter.voltage, meter.power, meter.energy)):
            held |= self._values(group)
        voltage, power, energy = (held[id(of)] for of in (meter.voltage, meter.power, meter.energy))
        return Measurement(voltage, power, energy, meter.uncertainty, self._clock.now())

    def close(self) -> None:
        self._unit.close()

    def _values(self, group: Sequence[Quantity]) -> dict[int, Decimal]:
        first, last = group[0], group[-1]
        count = last.address + last.form.registers - first.address
        request = ReadRegisters(first.address, count, inputs=first.table is Table.INPUT)
        words = self._unit.read_registers("measure", request)
        values: dict[int, Decimal] = {}
        for quantity in group:
            start = quantity.address - first.address
            try:
                value = decoded(quantity, words[start : start + quantity.form.registers])
            except ValueError as error:
                raise KitFault(f"{self.name}: measure: {error}") from None
            values[id(quantity)] = value
        return values


def _adjoining(quantities: Sequence[Quantity]) -> Iterator[list[Quantity]]:
    """Runs of registers without a gap: a meter may refuse to read an address it does not have."""
    group: list[Quantity] = []
    for quantity in sorted(quantities, key=lambda quantity: (quantity.table, quantity.address)):
        end = group[-1].address + group[-1].form.registers if group else 0
        if group and (quantity.table is not group[0].table or quantity.address != end):
            yield group
            group = []
        group.append(quantity)
    yield group


def connect(
    port: str,
    *,
    profile: str | Profile = "generic-modbus-reference-meter",
    name: str = "reference-meter",
    clock: Clock | None = None,
    emulated: EmulatedPorts | None = None,
) -> ModbusReferenceMeter:
    """For the Python prompt: opens `port` with the profile's line settings. Reads nothing yet."""
    held = read_profile(profile) if isinstance(profile, str) else profile
    transport = open_transport(port, held.line.settings, clock or WallClock(), emulated=emulated)
    return ModbusReferenceMeter(name, held, transport)

"""Identity, clock, registers, supply and payment: the same from every host."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from bench.devices import PaymentMode, RegisterReading, SupplyState
from bench.emulation import EMULATED_MARK, is_emulated
from bench.units import DAY, HOUR, SECOND, parse_instant

if TYPE_CHECKING:
    from tests.conformance.conftest import Kit

DEVICES = ("electricity", "gas", "hub", "display")
METERS = ("electricity", "gas")


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_is_who_the_station_file_says_and_stays_so(kit: Kit, name: str) -> None:
    spec, said = kit.spec(name), kit.device(name).identify()
    assert (said.role, said.eui64, said.model) == (spec.role, spec.eui64, spec.model)
    assert is_emulated(said) is kit.emulated
    for given, stated in (
        (spec.serial_number, said.serial_number),
        (spec.manufacturer, said.manufacturer.removesuffix(f" {EMULATED_MARK}")),
        (spec.firmware, said.firmware),
    ):
        assert given in ("", stated), "what a station leaves out is not compared"
    kit.wait(3 * HOUR)
    assert kit.device(name).identify() == said


@pytest.mark.parametrize("name", METERS)
def test_the_clock_shows_what_it_was_set_to_and_goes_on_from_there(kit: Kit, name: str) -> None:
    meter = kit.meter(name)
    meter.set_clock(parse_instant("2021-04-09T00:00:00Z"))
    set_at = kit.clock.now()
    shown = meter.read_clock()
    elapsed = kit.clock.now() - set_at
    assert abs(shown - parse_instant("2021-04-09T00:00:00Z") - elapsed) <= SECOND


@pytest.mark.parametrize("name", METERS)
def test_a_clock_drifts_by_its_specification(kit: Kit, name: str) -> None:
    meter = kit.meter(name)
    first, first_at = meter.read_clock(), kit.clock.now()
    kit.wait(10 * DAY)
    shown = meter.read_clock() - first
    elapsed = kit.clock.now() - first_at
    drift = kit.spec(name).emulation.drift_ppm
    assert abs((shown - elapsed) * 1_000_000 / elapsed - drift) < 1


@pytest.mark.parametrize(("name", "unit"), [("electricity", "kWh"), ("gas", "m³")])
def test_registers_are_exact_decimals_in_their_unit(kit: Kit, name: str, unit: str) -> None:
    reading = kit.meter(name).read_registers()
    assert reading.unit == unit
    assert reading.read_at == reading.source_at
    assert 0 <= kit.clock.now() - reading.read_at < SECOND
    assert reading.values
    assert all(isinstance(value, Decimal) for _, value in reading.values)
    assert all(value.as_tuple().exponent == -3 for _, value in reading.values)


@pytest.mark.parametrize("name", METERS)
def test_registers_never_fall_and_do_rise(kit: Kit, name: str) -> None:
    readings: list[RegisterReading] = []
    for _ in range(30):
        readings.append(kit.meter(name).read_registers())
        kit.wait(100 * 60 * SECOND)
    values = [dict(reading.values) for reading in readings]
    for earlier, later in pairwise(values):
        assert earlier.keys() == later.keys()
        assert all(earlier[register] <= later[register] for register in earlier)
    assert any(values[0][register] < values[-1][register] for register in values[0])


@pytest.mark.parametrize("name", METERS)
def test_supply_is_on_and_payment_is_the_installations(kit: Kit, name: str) -> None:
    assert kit.meter(name).supply_state() is SupplyState.ON
    assert kit.meter(name).read_payment().mode is kit.installation.payment
    if kit.installation.payment is PaymentMode.CREDIT:
        assert kit.meter(name).read_payment().balance == 0


def test_a_sleepy_meter_is_waited_for(kit: Kit) -> None:
    every = kit.spec("gas").emulation.wakes_every
    kit.gas.identify()
    first = kit.clock.now()
    kit.wait(every // 2)
    before = kit.clock.now()
    kit.gas.identify()
    # The same place in the next cycle, give or take the time it stays awake.
    assert kit.clock.now() > before
    assert abs(kit.clock.now() - first - every) <= kit.spec("gas").emulation.awake_for

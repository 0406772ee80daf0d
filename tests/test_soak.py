"""The soak, and the watch over the supply from the reference meter's own port."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from bench.clock import VirtualClock, WallClock
from bench.devices import Measurement, RegisterReading
from bench.errors import KitFault
from bench.expectations import mismatches
from bench.invariant import Invariant
from bench.operator import Nobody
from bench.scenario.run import run_scenario
from bench.shipped import find
from bench.station.fitting import fitted
from bench.station.form import Station, StationDevice
from bench.suite import FaultEntry, Soak
from bench.suite_reading import PreparedScenario, read_suite
from bench.supply_watch import SupplyWatch
from bench.units import DAY, HOUR, MINUTE, Micros


@pytest.fixture(scope="module")
def prepared() -> PreparedScenario:
    (found,) = read_suite(find("suites", "soak"), only=["ioc-soak"])[1]
    day = replace(
        found.scenario, soak=Soak(DAY, HOUR), expect=replace(found.scenario.expect, at_least=DAY)
    )
    return replace(found, scenario=day)


def test_every_device_is_looked_at_until_the_end(prepared: PreparedScenario) -> None:
    ran = run_scenario(prepared, 1)
    assert mismatches(ran, {}) == []
    read = [act.at for act in ran.acts if act.operation == "supply_state" and act.outcome]
    assert len(read) >= 2 * 25
    assert ran.ended - ran.started >= DAY


def test_what_happens_in_the_soak_is_found(prepared: PreparedScenario) -> None:
    opened = FaultEntry("supply-opened", "electricity", after=20 * HOUR, lasts=10 * MINUTE)
    struck = replace(prepared, scenario=replace(prepared.scenario, faults=(opened,)))
    ran = run_scenario(struck, 1)
    assert [each.what for each in ran.witnessed] == [Invariant.SUPPLY]
    (said,) = mismatches(ran, {})
    assert said.startswith("electricity: expected its supply to stay on, got supply-interrupted")


def measured(at: Micros, power: str, energy: str, voltage: str = "230") -> Measurement:
    return Measurement(Decimal(voltage), Decimal(power), Decimal(energy), Decimal("0.002"), at)


def counted(at: Micros, energy: str) -> RegisterReading:
    return RegisterReading((("import", Decimal(energy)),), "kWh", at, at)


def watched(*samples: Measurement) -> SupplyWatch:
    watch = SupplyWatch("electricity", lambda: samples[0], VirtualClock(0))
    watch.samples += samples
    return watch


@pytest.mark.parametrize(
    ("samples", "found"),
    [
        ((measured(0, "400", "0"), measured(9, "380", "1")), []),
        ((measured(0, "400", "0"), measured(9, "0", "1")), [Invariant.SUPPLY]),
        ((measured(0, "400", "0"), measured(9, "0", "1", voltage="0")), []),
        ((measured(0, "0", "0"), measured(9, "0", "1")), []),
    ],
    ids=["drawn", "opened", "mains cut", "no load"],
)
def test_an_interruption_is_told_from_a_cut(
    samples: tuple[Measurement, ...], found: list[str]
) -> None:
    watch = watched(*samples)
    assert [each.what for each in watch.breaches([counted(0, "5"), counted(9, "6")])] == found


def test_registers_are_compared_within_the_uncertainty() -> None:
    watch = watched(measured(0, "400", "0"), measured(HOUR, "400", "10"))
    assert list(watch.breaches([counted(0, "100"), counted(HOUR, "110.3")])) == []
    (found,) = watch.breaches([counted(0, "100"), counted(HOUR, "110.4")])
    assert found.what is Invariant.MISCOUNTED
    assert found.detail == "it counted 10.4 kWh, the reference meter 10 kWh"


def test_on_a_clock_that_waits_it_samples_on_its_own_thread() -> None:
    watch = SupplyWatch("electricity", lambda: measured(0, "1", "0"), WallClock())
    watch.begin()
    watch.end()
    watch.end()
    assert len(watch.samples) == 2


def test_a_meter_that_gives_nothing_is_the_kit_s_fault() -> None:
    answers: list[Callable[[], Measurement]] = [lambda: measured(0, "1", "0"), dumb]
    watch = SupplyWatch("electricity", lambda: answers.pop(0)(), VirtualClock(0))
    watch.begin()
    watch.end()
    assert isinstance(watch.fault, KitFault)


def dumb() -> Measurement:
    raise KitFault("reference-meter: measure: no reply")


def test_on_real_kit_it_needs_a_reference_meter(prepared: PreparedScenario) -> None:
    real = Station("s", devices={"electricity": StationDevice("/dev/ttyUSB0", "p")})
    assert "the station has none under kit" in fitted(prepared, real, Nobody()).not_run
    assert fitted(prepared, Station("s"), Nobody()).not_run == ""

"""Everything about a station that can be looked at without changing anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.clock import Clock
from bench.doctor.devices import devices
from bench.doctor.finding import Finding
from bench.doctor.kit import kit
from bench.doctor.machine import Machine, disk
from bench.doctor.machine import clock as clock_finding
from bench.doctor.spent import spent
from bench.station import Station


def examine(
    station: Station, named: str, runs: Path, clock: Clock, machine: Machine | None = None
) -> Iterator[Finding]:
    """The machine first, then the kit that feeds the devices, then the devices and their ledger.

    `runs`: where runs are written. A device is asked who it is, with the reader's key if the
    station names one; a relay is read back and never set. Safe to repeat.
    """
    machine = machine or Machine()
    yield clock_finding(machine, real=station.real)
    yield disk(machine, runs)
    yield from kit(station.kit, named, machine, clock)
    yield from devices(station, machine, clock)
    yield from spent(station, named)

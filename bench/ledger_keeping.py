"""What a run reads from the station's ledger, and what it enters there."""

from __future__ import annotations

from dataclasses import replace

from bench.ledger import Ledger
from bench.parties import Group
from bench.scenario_run import Ran
from bench.station.form import Station
from bench.station.port import Reach
from bench.suite_reading import PreparedScenario
from bench.units import format_instant


def spared(prepared: PreparedScenario, station: Station, ledger: Ledger) -> PreparedScenario:
    """Not run where the station's ledger says that a device cannot bear it."""
    rotates = prepared.installation.group is Group.DA
    for device in prepared.installation.meters:
        if station.reached(device.name).reach is Reach.REAL and not prepared.not_run:
            why = ledger.why_not(device.eui64, rotates=rotates)
            prepared = replace(prepared, not_run=why) if why else prepared
    return prepared


def enter(ledger: Ledger, ran: Ran, station: Station) -> None:
    """What the devices on real ports were put through. Raises `BenchError`."""
    assert ran.after is not None, "the scenario has ended"
    for device in ran.prepared.installation.devices:
        if station.reached(device.name).reach is Reach.REAL:
            acts = [act for act in ran.acts if act.target == device.name and act.outcome]
            at = format_instant(ran.ended)
            ledger.add(device.name, device.eui64, acts, ran.after.devices[device.name], at)
    ledger.write()

"""What a run reads from the station's ledger, and what it enters there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.installation import DeviceSpec
from bench.journal.run_journal import RunJournal
from bench.ledger import Ledger
from bench.parties import Group
from bench.scenario.ran import Ran
from bench.station.form import Station
from bench.station.port import Reach
from bench.suite_reading import PreparedScenario
from bench.units import format_instant


class LedgerKeeping:
    """The ledger through one run; `ledger` None: the station has none, and all of this is nothing.

    What an earlier process of the run did is counted there once, however often it is taken up.
    """

    def __init__(
        self, ledger: Ledger | None, station: Station, journal: RunJournal, folder: Path
    ) -> None:
        self._ledger = ledger
        self._station = station
        self._journal = journal
        self._folder = folder.resolve()
        self._counted = False

    def spare(self, prepared: PreparedScenario) -> PreparedScenario:
        """Not run where a device must be spared; what was begun before goes on."""
        name = prepared.scenario.scenario
        if self._ledger is None or prepared.not_run or self._journal.has_begun(name):
            return prepared
        return spared(prepared, self._station, self._ledger)

    def begin(self, prepared: PreparedScenario) -> Station:
        """Before the scenario is run or taken up: the station as it is left for it.

        One that ended, and whose process died before it was entered, is entered after all. Raises
        `BenchError` where the ledger cannot be written.
        """
        if self._ledger is None:
            return self._station
        name = prepared.scenario.scenario
        here, opened = f"{self._folder}/{name}", self._ledger.open_
        ended = self._journal.recording(name).ended
        self._counted = ended and (opened is None or opened.scenario != here)
        if self._counted:
            return self._station
        devices = [device.eui64 for device in _real(prepared, self._station)]
        self._ledger.begin(here, devices, again=self._journal.has_begun(name))
        if devices:
            self._ledger.write()  # that it is open, whoever takes it up
        return within_budget(self._station, prepared, self._ledger)

    def enter(self, ran: Ran) -> None:
        """What the devices on real ports were put through. Raises `BenchError`."""
        if self._ledger is None or self._counted:
            return
        assert ran.after is not None, "the scenario has ended"
        until = len(ran.acts) if ran.process_acts is None else ran.process_acts
        for device in _real(ran.prepared, self._station):
            at, after = format_instant(ran.ended), ran.after.devices[device.name]
            acts, returning = (
                [act for act in part if act.target == device.name and act.outcome]
                for part in (ran.acts[:until], ran.acts[until:])
            )
            denied = ran.denied.get(device.name, 0)
            self._ledger.add(device.name, device.eui64, acts, after, at, returning, denied=denied)
        if not ran.cancelled:
            self._ledger.open_ = None
        self._ledger.write()


def spared(prepared: PreparedScenario, station: Station, ledger: Ledger) -> PreparedScenario:
    """Not run where the station's budgets do not let a device be put through it."""
    if prepared.not_run:
        return prepared
    return replace(prepared, not_run="; ".join(_reasons(prepared, station, ledger)))


def _reasons(prepared: PreparedScenario, station: Station, ledger: Ledger) -> Iterator[str]:
    installation, budgets = prepared.installation, station.budgets
    for device in _real(prepared, station):
        entry = ledger.entries.get(device.eui64)
        if entry is None:
            continue
        rotates = installation.group is Group.DA and device in installation.meters
        if rotates and entry.wrong_keys >= budgets.wrong_keys:
            yield (
                f"'{device.name}' may have counted {entry.wrong_keys} wrong keys since it last "
                f"proved one, and another may lock it: see {ledger.path.name}"
            )
        if budgets.wake_ups is not None and entry.wake_ups >= budgets.wake_ups:
            yield (
                f"'{device.name}' was sent {entry.wake_ups} wake-up SMS over all runs, and the "
                f"station's budget is {budgets.wake_ups}: see {ledger.path.name}"
            )


def within_budget(station: Station, prepared: PreparedScenario, ledger: Ledger) -> Station:
    """The station, with no more SMS for the scenario than what is left of the budget."""
    budget, hub = station.budgets.wake_ups, prepared.installation.hub
    if budget is None or hub not in _real(prepared, station):
        return station
    entry = ledger.entries.get(hub.eui64)
    left = max(0, budget - (0 if entry is None else entry.wake_ups))
    limit = station.limits.wake_ups
    most = left if limit is None else min(left, limit)
    return replace(station, limits=replace(station.limits, wake_ups=most))


def _real(prepared: PreparedScenario, station: Station) -> list[DeviceSpec]:
    return [
        device
        for device in prepared.installation.devices
        if station.reached(device.name).reach is Reach.REAL
    ]

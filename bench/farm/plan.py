"""What is run where: checked as a whole before anything begins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import Problem, UsageError
from bench.shipped import find
from bench.station import Reach, Station, read_station
from bench.station.port import LABGRID, reach_of


@dataclass(frozen=True, slots=True)
class FarmStation:
    """`given` is what the command line says; `folder` the name of its run's folder."""

    name: str
    given: str
    folder: str


def plan(given: Sequence[str], *, at_once: int) -> tuple[FarmStation, ...]:
    """Opens nothing. Raises `UsageError` with every complaint about every station file, and where
    two stations cannot be told apart or, running at the same time, need one and the same port.
    """
    problems: list[str | Problem] = []
    hints: list[str] = []
    planned: list[FarmStation] = []
    taken: dict[str, str] = {}
    for each in given:
        try:
            station = read_station(find("stations", each))
        except UsageError as error:
            problems += error.problems
            hints.append(error.hint)
            continue
        folder = re.sub(r"[^A-Za-z0-9_.-]+", "-", station.station).strip("-.") or "station"
        for other in planned:
            if other.folder.casefold() == folder.casefold():
                problems.append(
                    f"--station {each}: it is called '{station.station}' as {other.given} is: "
                    "expected names that differ"
                )
        for what in _of_its_own(station):
            owner = taken.setdefault(what, each)
            if owner != each and at_once > 1:
                problems.append(f"--station {each}: {what} is {owner}'s too")
                hints.append("--at-once 1 runs one station after the other")
        planned.append(FarmStation(station.station, each, folder))
    if problems:
        raise UsageError(problems, hint=next(filter(None, hints), ""))
    return tuple(planned)


def _of_its_own(station: Station) -> Iterator[str]:
    """What only one run at a time can have: a port outside this program, a place of labgrid."""
    installed, kit = station.installation, station.kit
    ports = [entry.port for entry in installed.devices.values()] if installed is not None else []
    ports += [each.port for each in (kit.relay_board, kit.reference_meter) if each is not None]
    for port in dict.fromkeys(ports):
        if reach_of(port) is Reach.REAL and not port.startswith(LABGRID):
            yield f"port {port}"
    if station.labgrid is not None:
        yield f"labgrid place {station.labgrid.place} at {station.labgrid.coordinator}"


def make_folder(folder: Path) -> None:
    """Raises `UsageError` where it holds something already, `OSError` where it cannot be made."""
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder}: it is not empty", hint="name another folder with --out")
    folder.mkdir(parents=True, exist_ok=True)

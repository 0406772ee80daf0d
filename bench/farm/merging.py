"""Writes what the stations found out as one: `farm.json`, `farm.html`, `junit.xml`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bench.farm.record import FARM, FarmRecord, read_farm, station_record, to_json
from bench.report.files import write_file
from bench.report.render import JUNIT

PAGE: Final = "farm.html"


def write(record: FarmRecord, farm: Path) -> None:
    """Over what is there. Raises `BenchError` where it cannot be written."""
    from bench.farm.junit import farm_junit
    from bench.farm.page import farm_html  # the template engine is loaded only here

    write_file(farm / PAGE, farm_html(record))
    write_file(farm / JUNIT, farm_junit(record, farm))
    write_file(farm / FARM, to_json(record))


def merged_again(farm: Path) -> FarmRecord:
    """From the stations' own results as they are now: some may have been resumed since, or have
    gone on when the farm was killed.

    What a station said of its end is kept only where there is still no result. Raises `UsageError`.
    """
    was = read_farm(farm)
    known = {each.name: each for each in was.stations}
    stations = []
    for station in was.planned:
        now = station_record(farm, station, "")
        if now.kit or station.name not in known:
            stations.append(now)
        else:
            stations.append(known[station.name])
    return FarmRecord(was.suite, was.seed, was.tool, was.planned, tuple(stations))

"""The grid as heat maps: a table for each part and installation, places in the process's order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bench.grid.judging import End
from bench.grid.plan import Part
from bench.grid.tally import Tally
from bench.migration.sections import PROCESS
from bench.report.heat_map import Heat, HeatTable

_ABOUT: Final = {
    Part.SINGLES: "Each single fault, by the step in which it struck.",
    Part.PAIRS: "Each fault of a pair, by the step in which it struck.",
    Part.ACTS: "Each message fate of a schedule, by the message of the act it befell.",
    Part.SCHEDULES: "Each message fate of a schedule, by the message of key rotation it befell.",
}
_AFTER: Final = ("rollback", "after the end", "never")


def heat_tables(tallies: Mapping[Part, Tally]) -> list[HeatTable]:
    """Of every part that was run; a part without a run has none."""
    tables = []
    for part in Part:
        tally = tallies.get(part)
        if tally is None:
            continue
        for installation in sorted({place[0] for place in tally.heat}):
            cells = {
                (fault, where): Heat(
                    sum(ends.values()),
                    ends[End.PARKED.value],
                    sum(count for end, count in ends.items() if End(end).red),
                )
                for (of, fault, where), ends in tally.heat.items()
                if of == installation
            }
            faults = sorted({fault for fault, _ in cells})
            places = sorted({where for _, where in cells}, key=_in_order)
            tables.append(HeatTable(f"{part}: {installation}", _ABOUT[part], faults, places, cells))
    return tables


def _in_order(place: str) -> tuple[int, str]:
    order: list[str] = []
    for stages in PROCESS.values():
        for stage in stages:
            if stage.section not in order:
                order.append(stage.section)
    order = [*sorted(order, key=_first_in_process), *_AFTER]
    return (order.index(place), "") if place in order else (len(order), place)


def _first_in_process(section: str) -> int:
    return max(
        next((at for at, stage in enumerate(stages) if stage.section == section), 0)
        for stages in PROCESS.values()
    )

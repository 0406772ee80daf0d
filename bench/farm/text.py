"""The terminal's view of a farm: a table of scenarios by stations, then what each station says."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from bench.farm.record import FarmRecord, StationRecord
from bench.printable import printable
from bench.report.marks import PLAIN_SYMBOLS, SYMBOLS
from bench.report.text import Terminal, cells_wide

_ABSENT: Final = ""


def farm_text(record: FarmRecord, terminal: Terminal, report: str = "") -> str:
    """Ends with a line end. A station is a column under its number, a mark a verdict."""
    return "\n".join(_lines(record, terminal, report)) + "\n"


def _lines(record: FarmRecord, terminal: Terminal, report: str) -> Iterator[str]:
    symbols = SYMBOLS if terminal.unicode else PLAIN_SYMBOLS
    width = max([len("scenario"), *(cells_wide(printable(name)) for name in record.scenarios)])
    numbers = range(1, len(record.stations) + 1)
    yield f"{'scenario':<{width}}" + "".join(f"{number:>4}" for number in numbers)
    yield ("─" if terminal.unicode else "-") * (width + 4 * len(record.stations))
    for name in record.scenarios:
        marks = (symbols.get(each.scenarios.get(name, _ABSENT), " ") for each in record.stations)
        shown = printable(name)
        yield shown + " " * (width - cells_wide(shown)) + "".join(f"   {mark}" for mark in marks)
    yield ""
    yield "  ".join(f"{symbols[word]} {word}" for word in _used(record) if word in symbols)
    yield ""
    for number, station in zip(numbers, record.stations, strict=True):
        yield f"{number:>3}  {station_line(station, terminal)}"
        if station.end:
            yield from textwrap.wrap(
                printable(station.end), 96, initial_indent=" " * 5, subsequent_indent=" " * 5
            )
        for certificate in station.certificates:
            said = f"certificate {certificate.strategy}: {certificate.verdict}"
            yield from textwrap.wrap(
                printable(f"{said}; {certificate.why}" if certificate.why else said),
                96,
                initial_indent=" " * 5,
                subsequent_indent=" " * 5,
            )
    yield ""
    verdict = record.worst.label
    missing = len(record.planned) - len(record.stations)
    left = f"; {missing} not merged yet" if missing else ""
    stations = f"{len(record.stations)} station{'s' if len(record.stations) != 1 else ''}"
    yield (
        f"{record.kit}  suite {printable(record.suite)} on {stations}: "
        f"{symbols[verdict]} {verdict}{left}"
    )
    if report:
        yield f"report: {report}"


def station_line(station: StationRecord, terminal: Terminal) -> str:
    """One station in one line: name, verdict, kit and how many of each verdict."""
    symbols = SYMBOLS if terminal.unicode else PLAIN_SYMBOLS
    counts: dict[str, int] = {}
    for verdict in station.scenarios.values():
        counts[verdict] = counts.get(verdict, 0) + 1
    said = ", ".join(f"{number} {verdict}" for verdict, number in counts.items()) or "no result"
    kit = f"  {station.kit}" if station.kit else ""
    stopped = f"; stopped by {station.stopped}" if station.stopped else ""
    return (
        f"{printable(station.name)}: {symbols[station.verdict]} {station.verdict}{kit}"
        f"  ({said}{stopped})"
    )


def _used(record: FarmRecord) -> list[str]:
    """The verdicts in the table, as its legend."""
    return list(dict.fromkeys(v for each in record.stations for v in each.scenarios.values()))

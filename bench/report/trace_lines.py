"""The events of a run's `trace.jsonl`, found by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.errors import Problem, UsageError
from bench.result import RunRecord, ScenarioRecord
from bench.trace import Event, Opened

TRACE: Final = "trace.jsonl"


@dataclass(frozen=True, slots=True)
class Line:
    """An event and its line in the trace, from 1."""

    number: int
    event: Event


class TraceLines:
    """The lines of a trace in order; a run that traced nothing has none."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self._lines = {line.number: line for line in lines}

    def of(self, scenario: ScenarioRecord) -> tuple[Line, ...]:
        """The scenario's lines; empty lines of the file are left out."""
        numbers = range(max(scenario.first_line, 1), scenario.last_line + 1)
        return tuple(self._lines[number] for number in numbers if number in self._lines)


def read_lines(folder: Path, record: RunRecord) -> TraceLines:
    """Reads the trace beside `result.json`.

    Raises `UsageError` where it is missing, faulty, or has fewer lines than the record names.
    """
    from bench.trace_reading import Complaints, Places, Reading, read_trace

    last = max((scenario.last_line for scenario in record.scenarios), default=0)
    if last < 1:
        return TraceLines()
    places = Places()
    complaints = Complaints(places)
    reading = Reading()
    found = [
        Line(places.split(where)[1], event)
        for where, event in read_trace([str(folder / TRACE)], places, complaints, reading=reading)
    ]
    complaints.raise_if_any()
    if reading.lines < last:
        raise UsageError(
            Problem(TRACE, f"expected at least {last} lines, got {reading.lines}"),
            hint="result.json and trace.jsonl are not of one run",
        )
    return TraceLines(found)


def by_installation(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """The lines of each installation, by first appearance."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.event.installation, []).append(line)
    return found


def passages(events: Iterable[Event]) -> Iterator[list[Event]]:
    """The passages of one installation; what follows a close belongs to the passage closed."""
    passage: list[Event] = []
    for event in events:
        if isinstance(event, Opened) and passage:
            yield passage
            passage = []
        passage.append(event)
    if passage:
        yield passage

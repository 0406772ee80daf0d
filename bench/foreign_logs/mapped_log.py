"""A foreign log as a trace: each record becomes the event that the map says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.foreign_logs.json_records import json_records
from bench.foreign_logs.local_time import time_reader
from bench.foreign_logs.log_map import Entry, LogFormat, LogMap, Rest, Source
from bench.foreign_logs.map_checks import LISTS, TIMES, as_json
from bench.foreign_logs.records import Record, Records, csv_records
from bench.spelling import did_you_mean
from bench.trace import Event
from bench.trace_reading import FaultyLine, PlacedRow, Places, UnreadableTrace, event_of, shown
from bench.units import format_instant


class MappedLog:
    """One log as a `TraceSource`. A record's place is the line on which it begins.

    `empty_lines` counts the records that the map leaves out.
    """

    def __init__(self, path: str, places: Places, log_map: LogMap) -> None:
        self.path = path
        self.name = Path(path).name
        self.lines = 0
        self.empty_lines = 0
        self._base = places.add(self.name)
        self._map = log_map
        self._read_time = time_reader(log_map.time)
        self._entries = [(entry, {**log_map.common, **entry.fields}) for entry in log_map.events]

    def __iter__(self) -> Iterator[PlacedRow]:
        for line, record in self._records():
            if not self.lines and self._map.log is LogFormat.CSV:
                self._check_columns(record)
            self.lines += 1
            if isinstance(record, FaultyLine):
                yield self._base + line, 0, "", record
                continue
            event = self._event(record)
            if event is None:
                self.empty_lines += 1
            elif isinstance(event, FaultyLine):
                yield self._base + line, 0, "", event
            else:
                yield self._base + line, event.at, event.installation, event

    def _records(self) -> Records:
        if self._map.log is LogFormat.JSON:
            return json_records(self.path, self._map.encoding)
        return csv_records(self.path, self._map.delimiter, self._map.encoding)

    def _check_columns(self, record: Record | FaultyLine) -> None:
        """The first row has every column that the map names, or the log is another's."""
        if isinstance(record, FaultyLine):
            return
        lacking = [name for name in _columns(self._map) if name not in record]
        if lacking:
            named = ", ".join(f"'{name}'{did_you_mean(name, record)}" for name in lacking)
            raise UnreadableTrace(
                f"expected the columns that map '{self._map.map}' names; the header has no {named}"
            )

    def _event(self, record: Record) -> Event | FaultyLine | None:
        """None where the map leaves the record out."""
        if any(_fits(condition, record) for condition in self._map.skip):
            return None
        for entry, sources in self._entries:
            if _fits(entry.when, record):
                return self._stated(entry, sources, record)
        if self._map.rest is Rest.SKIP:
            return None
        asked = dict.fromkeys(column for entry in self._map.events for column in entry.when)
        seen = ", ".join(f"{column} = {shown(record.get(column))}" for column in asked)
        return FaultyLine(
            f"expected a row that an event of map '{self._map.map}' fits, got {seen};"
            " the map may skip it, or say rest: skip"
        )

    def _stated(
        self, entry: Entry, sources: Mapping[str, Source], record: Record
    ) -> Event | FaultyLine:
        line: dict[str, Any] = {"event": entry.event}
        faults: dict[str, str] = {}
        for name, source in sources.items():
            try:
                value = self._value(name, source, record)
            except ValueError as error:
                faults[name] = f"{entry.event}: {name}: {error}"
            else:
                if value is not None:
                    line[name] = value
        try:
            event = event_of(line)
        except FaultyLine as fault:
            more = [
                _with_column(text, entry, sources)
                for text in fault.faults
                if _field_of(text, entry) not in faults
            ]
            installation = line.get("installation")
            return FaultyLine(*faults.values(), *more, installation=installation, kind=entry.event)
        if faults:
            return FaultyLine(*faults.values(), installation=event.installation, kind=entry.event)
        return event

    def _value(self, name: str, source: Source, record: Record) -> Any:
        """The value as a line of a trace has it, None where there is none. Raises ValueError."""
        if source.constant is not None:
            return as_json(name, source.constant)
        found = record.get(source.column)
        text = found.strip() if isinstance(found, str) else found
        if text is None or text == "":
            return None
        if source.codes:
            meaning = source.codes.get(_word(text), source.otherwise)
            if not meaning:
                known = ", ".join(source.codes)
                near = did_you_mean(_word(text), source.codes)
                raise ValueError(
                    f"expected one of {known}, got {shown(text)} in {source.column}{near}"
                )
            text = meaning
        if name in TIMES:
            try:
                return format_instant(self._read_time(_word(text)))
            except ValueError as error:
                raise ValueError(f"{error}, got {shown(text)} in {source.column}") from None
        if name in LISTS and isinstance(text, str):
            return [part.strip() for part in text.split(source.separator)]
        return as_json(name, text)


def _columns(log_map: LogMap) -> list[str]:
    """Every column that the map names."""
    conditions = [*log_map.skip, *(entry.when for entry in log_map.events)]
    tables = [log_map.common, *(entry.fields for entry in log_map.events)]
    named = [column for condition in conditions for column in condition]
    named += [source.column for table in tables for source in table.values() if source.column]
    return list(dict.fromkeys(named))


def _word(value: Any) -> str:
    """A value of the log as the map writes it: numbers and flags of JSON as their text."""
    return value if isinstance(value, str) else shown(value)


def _fits(condition: Mapping[str, tuple[str, ...]], record: Record) -> bool:
    for column, values in condition.items():
        found = record.get(column)
        if found is None or _word(found).strip() not in values:
            return False
    return True


def _field_of(fault: str, entry: Entry) -> str:
    """The field that a fault of `event_of` is about."""
    text = fault.removeprefix(f"{entry.event}: ")
    if text.startswith("missing field '"):
        return text.split("'")[1]
    return text.partition(":")[0]


def _with_column(fault: str, entry: Entry, sources: Mapping[str, Source]) -> str:
    source = sources.get(_field_of(fault, entry))
    return f"{fault} (column '{source.column}')" if source and source.column else fault

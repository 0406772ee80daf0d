"""What can be wrong with a map beyond its form, before any log is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from bench.errors import Problem
from bench.foreign_logs.local_time import time_problems
from bench.spelling import did_you_mean
from bench.trace import EVENT_TYPES, TIME_FIELDS, json_name
from bench.trace_reading.event import Field, layout
from bench.trace_reading.line import shown
from bench.trace_reading.values import Expected
from bench.yaml_source import Document

if TYPE_CHECKING:
    from bench.foreign_logs.log_map import Entry, LogMap, Source

TIMES: Final = frozenset(map(json_name, TIME_FIELDS))
"""Fields that hold a time."""

FLAGS: Final = frozenset({"retryable"})
NUMBERS: Final = frozenset({"number", "uncertainty_s"})
LISTS: Final = frozenset({"suppliers"})

Path = tuple[str | int, ...]


def problems_of(document: Document, log_map: LogMap) -> Iterator[Problem]:
    """Every problem, in no order."""
    try:
        b"".decode(log_map.encoding)
        b"text".decode(log_map.encoding, "surrogateescape")
    except (LookupError, UnicodeError):  # unknown, or no encoding of text
        wanted = "expected an encoding such as utf-8, latin-1 or cp1252"
        yield document.problem(("encoding",), f"{wanted}, got {document.got(('encoding',))}")
    if len(log_map.delimiter) != 1:
        got = document.got(("delimiter",))
        yield document.problem(("delimiter",), f"expected one character, got {got}")
    for key, message in time_problems(log_map.time):
        yield document.problem(("time", key), message)
    known = {field.name for kind in EVENT_TYPES for field in layout(kind)}
    for name, source in log_map.common.items():
        path: Path = ("common", name)
        if name not in known:
            near = did_you_mean(name, known)
            yield document.problem(path, f"no event has a field '{name}'{near}", at_key=True)
        else:
            yield from _source_problems(document, path, _fields_called(name), source)
    if not log_map.events:
        yield document.problem(("events",), "expected at least one event")
    for number, entry in enumerate(log_map.events):
        yield from _entry_problems(document, log_map, ("events", number), entry)
    for number, condition in enumerate(log_map.skip):
        if not condition:
            yield document.problem(("skip", number), "expected a column and its values")


def _fields_called(name: str) -> list[Field]:
    """The fields of that name in all kinds of event."""
    return [field for kind in EVENT_TYPES for field in layout(kind) if field.name == name]


def _entry_problems(
    document: Document, log_map: LogMap, path: Path, entry: Entry
) -> Iterator[Problem]:
    if entry.event not in EVENT_TYPES:
        near = did_you_mean(entry.event, EVENT_TYPES) or f"; known: {', '.join(EVENT_TYPES)}"
        yield document.problem((*path, "event"), f"expected a kind of event{near}")
        return
    fields = {field.name: field for field in layout(entry.event)}
    for name, source in entry.fields.items():
        if name not in fields:
            near = did_you_mean(name, fields)
            message = f"'{entry.event}' has no field '{name}'{near}"
            yield document.problem((*path, "fields", name), message, at_key=True)
        else:
            yield from _source_problems(document, (*path, "fields", name), [fields[name]], source)
    for name, field in fields.items():
        if field.required and name not in entry.fields and name not in log_map.common:
            message = f"'{entry.event}' needs the field '{name}', in its fields or in common"
            yield document.problem(path, message)


def _source_problems(
    document: Document, path: Path, fields: list[Field], source: Source
) -> Iterator[Problem]:
    """`fields` are those that the source may fill, all of one name."""
    name = fields[0].name
    if bool(source.column) == (source.constant is not None):
        yield document.problem(path, "expected either a column or a constant")
        return
    if source.constant is not None and (source.codes or source.otherwise or source.separator):
        yield document.problem(path, "expected codes, otherwise and separator only with a column")
    if source.otherwise and not source.codes:
        yield document.problem((*path, "otherwise"), "expected only where there are codes")
    if name in LISTS and source.column and not source.separator:
        yield document.problem(path, f"{name} is a list: expected a separator")
    if source.constant is not None:
        yield from _value_problem(document, (*path, "constant"), fields, source.constant)
    if name in TIMES and source.codes:
        yield document.problem((*path, "codes"), f"{name} is a time: expected no codes")
        return
    for word, meaning in source.codes.items():
        yield from _value_problem(document, (*path, "codes", word), fields, meaning)
    if source.otherwise:
        yield from _value_problem(document, (*path, "otherwise"), fields, source.otherwise)


def _value_problem(
    document: Document, path: Path, fields: list[Field], value: Any
) -> Iterator[Problem]:
    """The value is right for none of the fields."""
    refused = []
    for field in fields:
        try:
            field.parse(as_json(field.name, value))
        except Expected as expected:
            refused.append(f"expected {expected.what}, got {shown(value)}{expected.advice}")
    if len(refused) == len(fields):
        yield document.problem(path, refused[0])


def as_json(name: str, value: Any) -> Any:
    """The value of a field as a line would have it, from text or from a number of the map."""
    if name in LISTS:
        return [value] if isinstance(value, str) else value
    if not isinstance(value, str):
        return value
    text = value.strip()
    if name in FLAGS:
        return {"true": True, "false": False}.get(text.lower(), value)
    if name in NUMBERS:
        try:
            return int(text)
        except ValueError:
            pass
        try:
            return float(text)
        except ValueError:
            return value
    return text

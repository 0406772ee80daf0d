"""The events of trace format 1 (docs/trace.md) and how they are written.

One frozen class per kind of event. `at` is when the fact became known, microseconds UTC. A field
that is None is absent from the line. Reading and validating a trace is `bench.trace_reading`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, TextIO

from bench.units import Micros, format_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event has. `extra` holds unknown fields: kept, and ignored by every rule."""

    kind: ClassVar[str]

    at: Micros
    installation: str
    group: str | None = None
    device: str | None = None
    actor: str | None = None
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Event):
    kind = "opened"
    supply: str = "single"
    payment: str = "credit"
    suppliers: tuple[str, ...] = ()
    uncertainty_s: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekDesignated(Event):
    kind = "week-designated"
    from_: Micros
    to: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorisation(Event):
    kind = "authorisation"
    supplier: str
    outcome: str
    submitted: Micros | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Event):
    kind = "step"
    section: str
    outcome: str
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class File(Event):
    kind = "file"
    file: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Event):
    kind = "account"
    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Event):
    kind = "attempt"
    section: str
    number: int
    outcome: str
    phase: str | None = None
    operation: str | None = None
    started: Micros | None = None
    code: str | None = None
    retryable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Key(Event):
    kind = "key"
    key: str
    state: str
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Smi(Event):
    kind = "smi"
    record: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident(Event):
    kind = "incident"
    incident: str
    outcome: str
    acting_party: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Event):
    kind = "report"
    report: str
    outcome: str
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator(Event):
    kind = "operator"
    asked: str
    answer: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage(Event):
    kind = "outage"
    from_: Micros
    to: Micros
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(Event):
    kind = "closed"
    outcome: str


EVENT_TYPES: Final[Mapping[str, type[Event]]] = {
    cls.kind: cls
    for cls in (
        Opened,
        WeekDesignated,
        Authorisation,
        Step,
        File,
        Account,
        Attempt,
        Key,
        Smi,
        Incident,
        Report,
        Operator,
        Outage,
        Closed,
    )
}

TIME_FIELDS: Final = frozenset({"at", "from_", "to", "submitted", "started"})
"""Attributes that hold a point in time."""


def json_name(attribute: str) -> str:
    """The field's name on the line: the attribute's, without the underscore Python needs."""
    return attribute.rstrip("_")


_BODY: Final[Mapping[type[Event], tuple[tuple[str, str, Any], ...]]] = {
    cls: tuple(
        (field.name, json_name(field.name), field.default)
        for field in (
            *(f for f in fields(cls) if f.name not in Event.__dataclass_fields__),
            *(f for f in fields(cls) if f.name in ("group", "device", "actor")),
        )
    )
    for cls in EVENT_TYPES.values()
}


def own_fields(event: Event) -> dict[str, Any]:
    """The fields of the event's line after `at`, `installation` and `event`, in their order."""
    line: dict[str, Any] = {}
    for attribute, name, default in _BODY[type(event)]:
        value = getattr(event, attribute)
        if value is None or value == default:
            continue
        line[name] = format_instant(value) if attribute in TIME_FIELDS else value
    if event.extra:
        line.update(event.extra)
    return line


def to_json(event: Event) -> str:
    """One line without its newline; the same event always gives the same bytes."""
    line: dict[str, Any] = {
        "at": format_instant(event.at),
        "installation": event.installation,
        "event": event.kind,
        **own_fields(event),
    }
    return json.dumps(line, ensure_ascii=False, separators=(", ", ": "))


class TraceWriter:
    """Writes events as lines to a text file, flushed line by line so that a reader can follow."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, event: Event) -> None:
        self._file.write(to_json(event) + "\n")
        self._file.flush()

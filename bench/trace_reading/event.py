"""The event that an object states: which fields each kind has, and what must hold between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bench.parties import Group, Holder
from bench.spelling import did_you_mean
from bench.trace import EVENT_TYPES, Attempt, Event, Opened, Outage, WeekDesignated
from bench.trace_reading import values
from bench.trace_reading.line import FaultyLine, shown
from bench.trace_reading.values import Expected, Parse, one_of


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an event: its name on the line, the attribute it fills, how it is read."""

    name: str
    attribute: str
    parse: Parse
    required: bool


def _required(**parsers: Parse) -> tuple[Field, ...]:
    return tuple(Field(name.rstrip("_"), name, parse, True) for name, parse in parsers.items())


def _optional(**parsers: Parse) -> tuple[Field, ...]:
    return tuple(Field(name.rstrip("_"), name, parse, False) for name, parse in parsers.items())


_GROUP: Final = one_of(*(group.value for group in Group))
_LEADING: Final = _required(at=values.instant, installation=values.name)
_PARTY: Final = _optional(device=values.name, actor=values.name)

_FIELDS: Final[Mapping[str, tuple[Field, ...]]] = {
    "opened": (
        *_required(group=_GROUP),
        *_optional(
            supply=one_of("single", "split"),
            payment=one_of("credit", "prepayment"),
            suppliers=values.names,
            uncertainty_s=values.seconds,
        ),
    ),
    "week-designated": _required(from_=values.instant, to=values.instant),
    "authorisation": (
        *_required(supplier=values.name, outcome=one_of("accepted", "rejected")),
        *_optional(submitted=values.instant, code=values.code),
    ),
    "step": (
        *_required(section=values.step_section, outcome=one_of("passed", "failed")),
        *_optional(code=values.code),
    ),
    "file": _required(
        file=one_of("MCF", "MGF", "MVF", "RFS", "SCF"), action=one_of("generated", "received")
    ),
    "account": _required(holder=one_of(*(holder.value for holder in Holder))),
    "attempt": (
        *_required(
            section=one_of("3.1", "3.2", "3.3", "3.4.1"),
            number=values.whole_from_1,
            outcome=one_of("succeeded", "failed", "unknown"),
        ),
        *_optional(
            phase=one_of("short", "long"),
            operation=values.name,
            started=values.instant,
            code=values.code,
            retryable=values.flag,
        ),
    ),
    "key": _required(
        device=values.name,
        key=one_of("SUA"),
        state=one_of("old", "new", "unknown"),
        proof=one_of("ack", "probe", "none"),
    ),
    "smi": _required(record=one_of("CHF"), outcome=one_of("updated", "failed")),
    "incident": _required(
        incident=values.name, outcome=one_of("raised", "resolved"), acting_party=values.name
    ),
    "report": (
        *_required(report=one_of("MRR6", "other"), outcome=one_of("failure")),
        *_optional(code=values.code),
    ),
    "operator": _required(asked=values.text, answer=values.text, by=values.name),
    "outage": _required(
        from_=values.instant, to=values.instant, of=one_of("bench", "clock", "log")
    ),
    "closed": _required(
        outcome=one_of("commissioned", "failed", "resubmittable", "parked", "withdrawn")
    ),
}


def layout(kind: str) -> tuple[Field, ...]:
    """The fields of a kind of event, `at` and `installation` first. The kind is a known one."""
    own = _FIELDS[kind]
    named = {field.name for field in own}
    rest = (*_optional(group=_GROUP), *_PARTY)
    return (*_LEADING, *own, *(field for field in rest if field.name not in named))


# name, what fills the event's slot, parser, required, default
_Row = tuple[str, Callable[[Event, Any], None], Parse, bool, Any]


def filler(cls: type[Event], attribute: str) -> Callable[[Event, Any], None]:
    """What puts a value into the slot of a new event."""
    fill: Callable[[Event, Any], None] = getattr(cls, attribute).__set__
    return fill


def _row(field: Field, cls: type[Event]) -> _Row:
    default = cls.__dataclass_fields__[field.attribute].default
    return field.name, filler(cls, field.attribute), field.parse, field.required, default


_KINDS: Final[Mapping[str, tuple[type[Event], tuple[_Row, ...], frozenset[str]]]] = {
    kind: (
        cls,
        tuple(_row(field, cls) for field in layout(kind)),
        frozenset({"event", *(field.name for field in layout(kind))}),
    )
    for kind, cls in EVENT_TYPES.items()
}
_fill_extra: Final = filler(Event, "extra")
_ABSENT: Final = object()


def _combination_faults(event: Event) -> Iterator[str]:
    """What is wrong between the fields of one event."""
    if isinstance(event, Attempt):
        if event.section == "3.1":
            if event.phase is None:
                yield "missing field 'phase': an attempt of 3.1 is short or long"
        elif event.phase is not None:
            yield f"phase: expected none in section {event.section}: only 3.1 has phases"
        if event.section == "3.3" and event.device is None:
            yield "missing field 'device': an attempt of 3.3 names the device"
        if event.started is not None and event.started > event.at:
            yield "started: expected a time not after 'at'"
    elif isinstance(event, WeekDesignated | Outage):
        if event.from_ >= event.to:
            yield "from: expected a time before 'to'"
    elif isinstance(event, Opened) and event.supply == "split" and not event.suppliers:
        yield "missing field 'suppliers': split supply names its suppliers"


def event_of(line: dict[str, Any]) -> Event:
    """The event that one line's object states. Raises FaultyLine with everything wrong with it.

    The slots of the new event are filled directly: a frozen class's own constructor takes three
    times as long, and this runs once for every line of a trace.
    """
    kind = line.get("event")
    found = _KINDS.get(kind) if type(kind) is str else None
    if found is None:
        raise FaultyLine(_unknown_kind(line, kind), installation=_installation_of(line))
    cls, rows, known = found
    event = cls.__new__(cls)
    faults: list[str] = []
    taken = 1
    get = line.get
    for name, fill, parse, required, default in rows:
        value = get(name, _ABSENT)
        if value is not _ABSENT:
            taken += 1
            try:
                fill(event, parse(value))
            except Expected as expected:
                got = shown(line[name]) + expected.advice
                faults.append(f"{name}: expected {expected.what}, got {got}")
        elif required:
            faults.append(_missing(name, line, known))
        else:
            fill(event, default)
    if not faults:
        more = taken != len(line)
        _fill_extra(event, {n: line[n] for n in line if n not in known} if more else None)
        if cls not in _COMBINED:
            return event
        faults.extend(_combination_faults(event))
        if not faults:
            return event
    installation = _installation_of(line)
    raise FaultyLine(*(f"{kind}: {f}" for f in faults), installation=installation, kind=kind)


_COMBINED: Final = frozenset({Attempt, WeekDesignated, Outage, Opened})


def _installation_of(line: dict[str, Any]) -> str | None:
    name = line.get("installation")
    return name if isinstance(name, str) else None


def _unknown_kind(line: dict[str, Any], kind: object) -> str:
    if "event" not in line:
        return _missing("event", line, frozenset({"event"}))
    advice = did_you_mean(kind, EVENT_TYPES) if isinstance(kind, str) else ""
    return f"event: expected one of {', '.join(EVENT_TYPES)}, got {shown(kind)}{advice}"


def _missing(name: str, line: dict[str, Any], known: frozenset[str]) -> str:
    return f"missing field '{name}'{did_you_mean(name, [key for key in line if key not in known])}"

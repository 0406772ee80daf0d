"""Reads trace format 1 (docs/trace.md): lines in, events out, and every complaint with its line.

One line is judged on its own here: is it an object, is the event known, has it its fields, and is
every value one of those listed. What depends on other lines (`at` going back, an installation
opened twice) is `bench.conformance.order`'s. Every fault is the writer's of the trace, never a
traceback: `FaultyLine` names what was expected.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, NoReturn

from bench.errors import Problem, UsageError
from bench.parties import Group, Holder
from bench.spelling import did_you_mean
from bench.trace import EVENT_TYPES, Attempt, Event, Opened, Outage, WeekDesignated
from bench.units import SECOND, Micros, parse_instant

LISTED: Final = 20
"""How many errors of a trace are listed; reading stops at the first that is not."""

LONGEST_LINE: Final = 16 * 1024 * 1024
"""Bytes; a longer line is no line of a trace, and is never held in memory whole."""

STANDARD_INPUT: Final = "-"

Where = int
"""A line of one of the trace's files, as `Places` numbers them."""


class FaultyLine(Exception):
    """One line breaks the format. `faults` are sentences, each saying what was expected.

    `installation` and `kind` are the line's own, where they could be read.
    """

    def __init__(
        self, *faults: str, installation: str | None = None, kind: str | None = None
    ) -> None:
        self.faults = faults
        self.installation = installation
        self.kind = kind
        super().__init__("; ".join(faults))


class Places:
    """Names the lines of several files by one number each: the file's number and the line's."""

    _SHIFT: Final = 40

    def __init__(self, *names: str) -> None:
        self._names: list[str] = list(names)

    def add(self, name: str) -> Where:
        """Adds a file; its line n is the returned number plus n."""
        self._names.append(name)
        return (len(self._names) - 1) << self._SHIFT

    def split(self, where: Where) -> tuple[str, int]:
        """The file's base name (or `-`) and the line, counted from 1."""
        index = where >> self._SHIFT
        return self._names[index], where - (index << self._SHIFT)

    def text(self, where: Where) -> str:
        name, line = self.split(where)
        return f"{name}:{line}"


# --- values -----------------------------------------------------------------------------------


class _Expected(Exception):
    """What a value should have been, and what was probably meant."""

    def __init__(self, what: str, advice: str = "") -> None:
        self.what = what
        self.advice = advice
        super().__init__(what)


_Parse = Callable[[Any], Any]


def shown(value: object) -> str:
    """A value of the trace as an error message shows it: JSON, one line, cut short."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."


def _refuse(what: str) -> NoReturn:
    raise _Expected(what)


def _one_of(*values: str) -> _Parse:
    # The table hands back its own object, so that a million lines share one string.
    canonical = {value: value for value in values}
    what = f"one of {', '.join(values)}" if len(values) > 1 else values[0]

    def parse(value: Any) -> str:
        found = canonical.get(value) if type(value) is str else None
        if found is not None:
            return found
        raise _Expected(what, did_you_mean(value, values) if isinstance(value, str) else "")

    return parse


def _name(value: Any) -> str:
    if type(value) is str and value.strip():
        return value
    _refuse("a name that is not empty")


def _code(value: Any) -> str:
    if type(value) is str and value.strip():
        return sys.intern(value)
    _refuse("a code as text, not empty")


def _text(value: Any) -> str:
    return value if type(value) is str else _refuse("text")


_minutes: dict[str, Micros] = {}
_SECONDS: Final[Mapping[str, Micros]] = {f"{second:02d}Z": second * SECOND for second in range(60)}


def _instant(value: Any) -> Micros:
    # Whole seconds of a minute seen before, the common case, need no parsing.
    if type(value) is str and len(value) == 20:
        minute = _minutes.get(value[:17])
        second = _SECONDS.get(value[17:])
        if minute is not None and second is not None:
            return minute + second
        try:
            instant = parse_instant(value)
        except ValueError as error:
            _refuse(str(error))
        if len(_minutes) > 10_000:
            _minutes.clear()
        _minutes[value[:17]] = instant - int(value[17:19]) * SECOND
        return instant
    try:
        return parse_instant(value)
    except ValueError as error:
        _refuse(str(error))


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        _refuse("a list of suppliers' names")
    names = tuple(_name(name) for name in value)
    if len(set(names)) != len(names):
        _refuse("a list of suppliers' names, each once")
    return names


def _flag(value: Any) -> bool:
    return value if type(value) is bool else _refuse("true or false")


def _whole_from_1(value: Any) -> int:
    # 1.0 is the same JSON number as 1, and some writers know no other; true is no number.
    if type(value) is int and value >= 1:
        return value
    if type(value) is float and value.is_integer() and value >= 1:
        return int(value)
    _refuse("a whole number from 1")


def _seconds(value: Any) -> float:
    if type(value) in (int, float):
        try:
            if math.isfinite(value) and value >= 0:
                return float(value)
        except OverflowError:
            pass
    _refuse("a finite number of seconds, not negative")


_SECTION: Final = re.compile(r"2\.[3-6](?:\.[1-9]\d?){1,2}", re.ASCII)


def _step_section(value: Any) -> str:
    if type(value) is str and (value == "commissioning" or _SECTION.fullmatch(value)):
        return sys.intern(value)
    _refuse("a section from 2.3 to 2.6, such as 2.3.2 or 2.6.4.1, or commissioning")


# --- events -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of an event: its name on the line, the attribute it fills, how it is read."""

    name: str
    attribute: str
    parse: _Parse
    required: bool


def _required(**parsers: _Parse) -> tuple[_Field, ...]:
    return tuple(_Field(name.rstrip("_"), name, parse, True) for name, parse in parsers.items())


def _optional(**parsers: _Parse) -> tuple[_Field, ...]:
    return tuple(_Field(name.rstrip("_"), name, parse, False) for name, parse in parsers.items())


_GROUP: Final = _one_of(*(group.value for group in Group))
_LEADING: Final = _required(at=_instant, installation=_name)
_PARTY: Final = _optional(device=_name, actor=_name)

_FIELDS: Final[Mapping[str, tuple[_Field, ...]]] = {
    "opened": (
        *_required(group=_GROUP),
        *_optional(
            supply=_one_of("single", "split"),
            payment=_one_of("credit", "prepayment"),
            suppliers=_names,
            uncertainty_s=_seconds,
        ),
    ),
    "week-designated": _required(from_=_instant, to=_instant),
    "authorisation": (
        *_required(supplier=_name, outcome=_one_of("accepted", "rejected")),
        *_optional(submitted=_instant, code=_code),
    ),
    "step": (
        *_required(section=_step_section, outcome=_one_of("passed", "failed")),
        *_optional(code=_code),
    ),
    "file": _required(
        file=_one_of("MCF", "MGF", "MVF", "RFS", "SCF"), action=_one_of("generated", "received")
    ),
    "account": _required(holder=_one_of(*(holder.value for holder in Holder))),
    "attempt": (
        *_required(
            section=_one_of("3.1", "3.2", "3.3", "3.4.1"),
            number=_whole_from_1,
            outcome=_one_of("succeeded", "failed", "unknown"),
        ),
        *_optional(
            phase=_one_of("short", "long"),
            operation=_name,
            started=_instant,
            code=_code,
            retryable=_flag,
        ),
    ),
    "key": _required(
        device=_name,
        key=_one_of("SUA"),
        state=_one_of("old", "new", "unknown"),
        proof=_one_of("ack", "probe", "none"),
    ),
    "smi": _required(record=_one_of("CHF"), outcome=_one_of("updated", "failed")),
    "incident": _required(
        incident=_name, outcome=_one_of("raised", "resolved"), acting_party=_name
    ),
    "report": (
        *_required(report=_one_of("MRR6", "other"), outcome=_one_of("failure")),
        *_optional(code=_code),
    ),
    "operator": _required(asked=_text, answer=_text, by=_name),
    "outage": _required(from_=_instant, to=_instant, of=_one_of("bench", "clock", "log")),
    "closed": _required(
        outcome=_one_of("commissioned", "failed", "resubmittable", "parked", "withdrawn")
    ),
}


def _layout(kind: str) -> tuple[_Field, ...]:
    own = _FIELDS[kind]
    named = {field.name for field in own}
    rest = (*_optional(group=_GROUP), *_PARTY)
    return (*_LEADING, *own, *(field for field in rest if field.name not in named))


# name, what fills the event's slot, parser, required, default
_Row = tuple[str, Callable[[Event, Any], None], _Parse, bool, Any]


def _filler(cls: type[Event], attribute: str) -> Callable[[Event, Any], None]:
    """What puts a value into the slot of a new event."""
    fill: Callable[[Event, Any], None] = getattr(cls, attribute).__set__
    return fill


def _row(field: _Field, cls: type[Event]) -> _Row:
    default = cls.__dataclass_fields__[field.attribute].default
    return field.name, _filler(cls, field.attribute), field.parse, field.required, default


_KINDS: Final[Mapping[str, tuple[type[Event], tuple[_Row, ...], frozenset[str]]]] = {
    kind: (
        cls,
        tuple(_row(field, cls) for field in _layout(kind)),
        frozenset({"event", *(field.name for field in _layout(kind))}),
    )
    for kind, cls in EVENT_TYPES.items()
}
_fill_extra: Final = _filler(Event, "extra")
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
    layout = _KINDS.get(kind) if type(kind) is str else None
    if layout is None:
        raise FaultyLine(_unknown_kind(line, kind), installation=_installation_of(line))
    cls, rows, known = layout
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
            except _Expected as expected:
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


# --- lines ------------------------------------------------------------------------------------


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"field {shown(twice)} stands twice")
    return found


_quick: Final = json.JSONDecoder(parse_constant=_no_constant)
_thorough: Final = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_no_twice)


def object_of(text: str) -> dict[str, Any]:
    """The JSON object of one line. Raises FaultyLine where there is none.

    Of a field that stands twice nobody can say which was meant: it is refused. The quick decoder
    takes the last; it is believed only where the line has as many `":` as the object has fields
    and no quote is followed by a blank, so that every field of the text is one of the object's.
    """
    try:
        value, end = _quick.raw_decode(text)
        if (
            end != len(text)
            or type(value) is not dict
            or text.count('":') != len(value)
            or '" ' in text
            or '"\t' in text
            or '"\r' in text
        ):
            value = _thorough.decode(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise FaultyLine("expected a JSON object, got one nested too deeply") from None
    except UnicodeEncodeError:
        raise FaultyLine("expected text, got half of a surrogate pair (\\ud800…\\udfff)") from None
    except json.JSONDecodeError as error:
        raise FaultyLine(f"expected one JSON object: {error.msg} at column {error.colno}") from None
    except ValueError as error:
        why = str(error).split(";")[0]
        raise FaultyLine(f"expected one JSON object: {why}") from None
    if type(value) is not dict:
        raise FaultyLine(f"expected one JSON object, got {shown(value)}")
    return value


class TraceFile:
    """One file of a trace (or standard input), read line by line.

    Iterating yields (where, event or FaultyLine) and counts `empty_lines` and `lines`. Raises
    OSError where the file cannot be opened or read.
    """

    def __init__(self, path: str, places: Places) -> None:
        self.path = path
        self.name = STANDARD_INPUT if path == STANDARD_INPUT else Path(path).name
        self.empty_lines = 0
        self.lines = 0
        self._base = places.add(self.name)

    def __iter__(self) -> Iterator[tuple[Where, Event | FaultyLine]]:
        if self.path == STANDARD_INPUT:
            yield from self._read(sys.stdin.buffer)
        else:
            try:
                file = Path(self.path).open("rb")  # noqa: SIM115 (closed below)
            except ValueError as error:  # a NUL in its name
                raise OSError(str(error)) from None
            with file:
                yield from self._read(file)

    def _read(self, file: IO[bytes]) -> Iterator[tuple[Where, Event | FaultyLine]]:
        where = self._base
        for raw in iter(partial(file.readline, LONGEST_LINE), b""):
            where += 1
            self.lines += 1
            if self.lines == 1 and raw.startswith(b"\xef\xbb\xbf"):
                raw = raw[3:]
            if len(raw) >= LONGEST_LINE and not raw.endswith(b"\n"):
                _skip_rest(file)
                yield where, FaultyLine(f"expected a line shorter than {LONGEST_LINE} bytes")
                continue
            raw = raw.strip()
            if not raw:
                self.empty_lines += 1
                continue
            try:
                yield where, event_of(object_of(raw.decode()))
            except FaultyLine as fault:
                yield where, fault
            except UnicodeDecodeError as error:
                yield where, FaultyLine(f"expected UTF-8, byte {error.start + 1} is none")


def _skip_rest(file: IO[bytes]) -> None:
    for raw in iter(partial(file.readline, LONGEST_LINE), b""):
        if raw.endswith(b"\n"):
            return


class Complaints:
    """Collects the errors of a trace, up to `LISTED`, and raises them together."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._problems: list[Problem] = []

    def __bool__(self) -> bool:
        return bool(self._problems)

    def add(self, where: Where, faults: Sequence[str]) -> None:
        """Raises UsageError with those found before, once more than are listed have been found."""
        name, line = self._places.split(where)
        for fault in faults:
            self._add(Problem(name, fault, line=line))

    def add_file(self, name: str, fault: str) -> None:
        self._add(Problem(name, fault))

    def _add(self, problem: Problem) -> None:
        if len(self._problems) == LISTED:
            raise UsageError(self._problems, hint="further errors are not listed")
        self._problems.append(problem)

    def raise_if_any(self) -> None:
        if self._problems:
            raise UsageError(self._problems)


@dataclass(slots=True)
class Reading:
    """How far a trace has been read."""

    lines: int = 0
    empty_lines: int = 0


def read_trace(
    paths: Sequence[str],
    places: Places,
    complaints: Complaints,
    *,
    reading: Reading | None = None,
    on_faulty: Callable[[FaultyLine], None] | None = None,
) -> Iterator[tuple[Where, Event]]:
    """The events of several files as one trace, in the order given.

    Faulty lines go to `complaints` (and to `on_faulty`) and are left out; a file that cannot be
    read, or has no event, is a complaint too.
    """
    for path in paths:
        file = TraceFile(path, places)
        found = False
        try:
            for where, event in file:
                found = True
                if isinstance(event, FaultyLine):
                    complaints.add(where, event.faults)
                    if on_faulty is not None:
                        on_faulty(event)
                else:
                    yield where, event
        except OSError as error:
            why = error.strerror or str(error)
            complaints.add_file(path, f"expected a readable trace file: {why}")
            found = True
        if reading is not None:
            reading.lines += file.lines
            reading.empty_lines += file.empty_lines
        if not found:
            complaints.add_file(file.name, "expected at least one event, found none")

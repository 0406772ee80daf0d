"""Lines that differ only in their times and their installation are parsed once.

Most lines of a long trace say what thousands before them said, at another time or of another
installation. What is left of a line without those values is its form: the first line of a form is
read field by field (`event`), and the rest take its values over. Nothing is decided here about
what an event may be: a line that is not surely of a known form is read in full.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, Final

from bench.trace import Attempt, Event
from bench.trace_reading import values
from bench.trace_reading.event import event_of, filler
from bench.trace_reading.line import object_of
from bench.trace_reading.values import Expected, Parse
from bench.units import Micros

_MOST: Final = 20_000
"""Forms kept; a trace with more is one in which hardly two lines are alike."""

_VARIABLE: Final[dict[str, Parse]] = {
    "at": values.instant,
    "installation": values.name,
    "started": values.instant,
    "submitted": values.instant,
}
_VALUE: Final = re.compile(r'"(at|installation|s(?:tarted|ubmitted))": ?"([^"\\\x00-\x1f]*)"')
_TIME: Final = re.compile(r'"(s(?:tarted|ubmitted))": ?"([^"\\\x00-\x1f]*)"')

_Fill = Callable[[Event, Any], None]
_fill_at: Final[_Fill] = filler(Event, "at")
_fill_installation: Final[_Fill] = filler(Event, "installation")


def without_times(text: str) -> tuple[tuple[str, ...], list[str], list[str]]:
    """What is left of fields without `at` and `installation`, and the times taken out by name."""
    parts = _TIME.split(text)
    texts = parts[2::3]
    del parts[2::3]
    return tuple(parts), parts[1::2], texts


class Form:
    """What every event of one form has, and what fills the rest in the order of the line."""

    __slots__ = ("_cls", "_constants", "_started_too", "_variables")

    def __init__(self, event: Event, names: Sequence[str]) -> None:
        self._cls = type(event)
        self._variables = tuple((filler(self._cls, name), _VARIABLE[name]) for name in names)
        self._constants = tuple(
            (filler(self._cls, field.name), getattr(event, field.name))
            for field in fields(event)
            if field.name not in ("at", "installation", *names)
        )
        self._started_too = isinstance(event, Attempt) and event.started is not None

    @classmethod
    def of(cls, text: str, names: Sequence[str], texts: Sequence[str], event: Event) -> Form | None:
        """The form of a line, given the values taken out of it by name and the event it states.

        None where one of them may be another's: a nested object may have a field of that name
        too, and behind a backslash a name could hide.
        """
        if "\\" in text:
            return None
        for name, value in zip(names, texts, strict=True):
            if text.count(f'"{name}"') != 1 or name not in type(event).__dataclass_fields__:
                return None
            try:
                if getattr(event, name) != _VARIABLE[name](value):
                    return None
            except Expected:
                return None
        return cls(event, names)

    def event(
        self, texts: Sequence[str], at: Micros | None = None, installation: str | None = None
    ) -> Event | None:
        """The event with these values; None where one of them is not what it should be.

        `at` and `installation` are given where they are not among the texts.
        """
        event = self._cls.__new__(self._cls)
        if at is not None:
            _fill_at(event, at)
            _fill_installation(event, installation)
        try:
            for (fill, parse), text in zip(self._variables, texts, strict=True):
                fill(event, parse(text))
        except Expected:
            return None
        for fill, value in self._constants:
            fill(event, value)
        if self._started_too and isinstance(event, Attempt) and (event.started or 0) > event.at:
            return None
        return event


class LineReader:
    """Reads lines, and remembers their forms."""

    def __init__(self) -> None:
        self._forms: dict[tuple[str, ...], Form] = {}

    def read(self, text: str) -> Event:
        """The event of one line without its line end. Raises FaultyLine as `event_of` does."""
        parts = _VALUE.split(text)
        texts = parts[2::3]
        del parts[2::3]
        key = tuple(parts)
        form = self._forms.get(key)
        if form is not None:
            event = form.event(texts)
            if event is not None:
                return event
        event = event_of(object_of(text))
        names = parts[1::2]
        if form is None and "at" in names and "installation" in names:
            form = Form.of(text, names, texts, event)
            if form is not None:
                if len(self._forms) == _MOST:
                    self._forms.clear()
                self._forms[key] = form
        return event

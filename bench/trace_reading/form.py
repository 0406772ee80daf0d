"""What was read before is not read again: most lines differ only in their times and installation.

What stands behind a line's time and installation is looked up as it stands. Where it was seen
before it says the same, so the event that was made of it then is handed out again; where it holds
times itself (`started`, `submitted`) the rest of it is its form, and only the times are read.
Nothing is decided here about what an event may be: a line that is not surely of a known form is
read in full, by `event` and `line`.
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
from bench.trace_reading.values import Expected
from bench.units import Micros, format_instant

_MOST: Final = 20_000
"""Texts and forms kept; a trace with more is one in which hardly two lines are alike."""

Row = tuple[Micros, str, Event]
"""What a line states: `at`, the installation, and the rest as an event.

Lines that say the same otherwise share that event: its own `at` and installation may be those of
another line, and nobody may look at them. `whole` makes an event of it that stands for itself.
"""

LEADING: Final = (
    r'\{"at": ?"(?P<at>[^"\\\x00-\x1f]*)", ?"installation": ?"(?P<name>[^"\\\x00-\x1f]*)"'
)
"""How most writers begin a line: what is between the quotes is the value, to the octet. The rest of
the line begins with the last of these quotes."""

_LEADING: Final = re.compile(LEADING)

_TIME: Final = re.compile(r'"(s(?:tarted|ubmitted))": ?"([^"\\\x00-\x1f]*)"')

_Fill = Callable[[Event, Any], None]
_fill_at: Final[_Fill] = filler(Event, "at")
_fill_installation: Final[_Fill] = filler(Event, "installation")
_fillers: Final[dict[type[Event], tuple[tuple[_Fill, str], ...]]] = {}


def whole(at: Micros, installation: str, said: Event) -> Event:
    """The event of a row, with its own `at` and installation."""
    if said.at == at and said.installation == installation:
        return said
    cls = type(said)
    rest = _fillers.get(cls)
    if rest is None:
        names = (field.name for field in fields(said))
        rest = _fillers[cls] = tuple(
            (filler(cls, name), name) for name in names if name not in ("at", "installation")
        )
    event = cls.__new__(cls)
    _fill_at(event, at)
    _fill_installation(event, installation)
    for fill, name in rest:
        fill(event, getattr(said, name))
    return event


class _Form:
    """What every event of one form has, and what fills its times in the order of the text."""

    __slots__ = ("_cls", "_constants", "_started_too", "_times")

    def __init__(self, event: Event, names: Sequence[str]) -> None:
        self._cls = type(event)
        self._times = tuple(filler(self._cls, name) for name in names)
        self._constants = tuple(
            (filler(self._cls, field.name), getattr(event, field.name))
            for field in fields(event)
            if field.name not in ("at", "installation", *names)
        )
        self._started_too = isinstance(event, Attempt) and event.started is not None

    @classmethod
    def of(
        cls, text: str, names: Sequence[str], texts: Sequence[str], event: Event
    ) -> _Form | None:
        """The form of a text, given the times taken out of it by name and the event it states.

        None where one of them may be another's: a nested object may have a field of that name
        too, and behind a backslash a name could hide.
        """
        if "\\" in text:
            return None
        for name, value in zip(names, texts, strict=True):
            if text.count(f'"{name}"') != 1 or name not in type(event).__dataclass_fields__:
                return None
            try:
                if getattr(event, name) != values.instant(value):
                    return None
            except Expected:
                return None
        return cls(event, names)

    def event(self, texts: Sequence[str], at: Micros, installation: str) -> Event | None:
        """The event with these times; None where one of them is not what it should be."""
        event = self._cls.__new__(self._cls)
        _fill_at(event, at)
        _fill_installation(event, installation)
        try:
            for fill, text in zip(self._times, texts, strict=True):
                fill(event, values.instant(text))
        except Expected:
            return None
        for fill, value in self._constants:
            fill(event, value)
        if self._started_too and isinstance(event, Attempt) and (event.started or 0) > event.at:
            return None
        return event


class Sayings:
    """Texts that stood behind a time and an installation, and what they were found to say.

    All of them come with the same text before and after them, of which they depend in nothing.
    """

    __slots__ = ("_forms", "_said")

    def __init__(self) -> None:
        self._said: dict[str, Event] = {}
        self._forms: dict[tuple[str, ...], _Form] = {}

    def said(self, text: str, at: Micros, installation: str) -> Event | None:
        """What the text says of a moment and an installation that a line may name.

        None where it was not seen before, or may not be said of them.
        """
        said = self._said.get(text)
        if said is not None:
            return said
        parts = _TIME.split(text)
        form = self._forms.get((*parts[::3], *parts[1::3]))
        return None if form is None else form.event(parts[2::3], at, installation)

    def learn(self, text: str, event: Event) -> None:
        """Takes note of what the text said."""
        if len(self._said) + len(self._forms) >= _MOST:
            self._said.clear()
            self._forms.clear()
        parts = _TIME.split(text)
        names = parts[1::3]
        if names:
            form = _Form.of(text, names, parts[2::3], event)
            if form is not None:
                self._forms.setdefault((*parts[::3], *names), form)
        elif not isinstance(event, Attempt) or event.started is None:
            # Whether `started` may be so depends on `at`; nothing else in a text does.
            self._said[text] = event


class LineReader:
    """Reads lines, and remembers what they said."""

    def __init__(self) -> None:
        self._sayings = Sayings()

    def read(self, text: str) -> Row:
        """What one line without its line end states. Raises FaultyLine as `event_of` does."""
        leading = _LEADING.match(text)
        if leading is None:
            event = event_of(object_of(text))
            return event.at, event.installation, event
        moment, installation = leading.groups()
        rest = text[leading.end() - 1 :]
        try:
            at = values.instant(moment)
        except Expected:
            pass
        else:
            if installation.strip():
                said = self._sayings.said(rest, at, installation)
                if said is not None:
                    return at, installation, said
        event = event_of(object_of(text))
        self._sayings.learn(rest, event)
        return event.at, event.installation, event

    def read_on(self, at: Micros, installation: str, text: str) -> Event:
        """What the rest of a line (`LEADING`) or all of it says, where these were read of it."""
        if not text.startswith('"'):
            return event_of(object_of(text))
        said = self._sayings.said(text, at, installation)
        if said is None:
            lead = f'{{"at": "{format_instant(at)}", "installation": "{installation}'
            said = event_of(object_of(lead + text))
            self._sayings.learn(text, said)
        return said

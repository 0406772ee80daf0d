"""One row of a trace in Parquet as what it states.

A row is read by `bench.trace_reading` as the line it stands for, and what its fields were found to
say is remembered there too (`bench.trace_reading.form`).
"""

from __future__ import annotations

from typing import Final

from bench.trace import Event
from bench.trace_reading import FaultyLine, event_of, object_of
from bench.trace_reading.form import Sayings
from bench.units import SECOND, Micros, format_instant, parse_instant

_OF_THEIR_OWN: Final = ("at", "installation", "event")
_FIRST: Final = parse_instant("0001-01-01T00:00:00Z")
_AFTER_LAST: Final = parse_instant("9999-12-31T23:59:59Z") + SECOND
"""Times that a line can state."""


class RowReader:
    """Reads rows, and remembers what they said."""

    def __init__(self) -> None:
        self._by_kind: dict[str, Sayings] = {}

    def read(
        self, at: Micros | None, installation: str | None, kind: str | None, fields: str | None
    ) -> Event | FaultyLine:
        """What a row says (its `at` and installation are the row's), or what is wrong with it."""
        if (
            at is None
            or not _FIRST <= at < _AFTER_LAST
            or installation is None
            or not installation.strip()
            or kind is None
            or fields is None
        ):
            return _in_full(at, installation, kind, fields)
        sayings = self._by_kind.get(kind)
        said = None if sayings is None else sayings.said(fields, at, installation)
        if said is not None:
            return said
        event = _in_full(at, installation, kind, fields)
        if not isinstance(event, FaultyLine):
            if sayings is None:
                sayings = self._by_kind[kind] = Sayings()
            sayings.learn(fields, event)
        return event


def _in_full(
    at: Micros | None, installation: str | None, kind: str | None, fields: str | None
) -> Event | FaultyLine:
    line = {} if at is None else {"at": format_instant(at)}
    line |= {} if installation is None else {"installation": installation}
    line |= {} if kind is None else {"event": kind}
    try:
        own = object_of(fields) if fields is not None else {}
        twice = [name for name in _OF_THEIR_OWN if name in own]
        if twice:
            raise FaultyLine(
                f"fields: expected no '{twice[0]}', which has a column of its own",
                installation=installation,
            )
        return event_of({**line, **own})
    except FaultyLine as fault:
        return fault

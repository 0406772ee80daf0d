"""One row of a trace in Parquet as the event that it states.

A row is read by `bench.trace_reading` as the line it stands for. Rows that differ only in time
and installation are read once (`bench.trace_reading.form`).
"""

from __future__ import annotations

from typing import Final

from bench.trace import Event
from bench.trace_reading import FaultyLine, event_of, object_of
from bench.trace_reading.form import Form, without_times
from bench.units import SECOND, Micros, format_instant, parse_instant

_OF_THEIR_OWN: Final = ("at", "installation", "event")
_MOST: Final = 20_000
_FIRST: Final = parse_instant("0001-01-01T00:00:00Z")
_AFTER_LAST: Final = parse_instant("9999-12-31T23:59:59Z") + SECOND
"""Times that a line can state."""

_FormKey = tuple[str, tuple[str, ...]]


class RowReader:
    """Reads rows, and remembers their forms."""

    def __init__(self) -> None:
        self._forms: dict[_FormKey, Form] = {}
        # (kind, fields) of rows whose fields hold no time
        self._whole: dict[tuple[str | None, str | None], Form] = {}

    def read(
        self, at: Micros | None, installation: str | None, kind: str | None, fields: str | None
    ) -> Event | FaultyLine:
        """The event of a row, or what is wrong with it."""
        if (
            at is None
            or not _FIRST <= at < _AFTER_LAST
            or installation is None
            or not installation.strip()
            or kind is None
            or fields is None
        ):
            return _in_full(at, installation, kind, fields)
        form = self._whole.get((kind, fields))
        if form is not None:
            known = form.event((), at, installation)
            return _in_full(at, installation, kind, fields) if known is None else known
        literal, names, texts = without_times(fields)
        form = self._forms.get((kind, literal))
        if form is not None:
            known = form.event(texts, at, installation)
            if known is not None:
                return known
        event = _in_full(at, installation, kind, fields)
        if form is None and not isinstance(event, FaultyLine):
            form = Form.of(fields, names, texts, event)
            if form is not None:
                self._remember(form, kind, literal, fields, bool(names))
        return event

    def _remember(
        self, form: Form, kind: str, literal: tuple[str, ...], fields: str, timed: bool
    ) -> None:
        if len(self._forms) + len(self._whole) >= _MOST:
            self._forms.clear()
            self._whole.clear()
        if timed:
            self._forms[kind, literal] = form
        else:
            self._whole[kind, fields] = form


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

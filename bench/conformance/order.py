"""What makes the events of one installation a trace at all: opened, closed, and time going on.

A line out of order is the trace's error, not the installation's failure: there is no verdict then.
"""

from __future__ import annotations

from typing import Final

from bench.conformance.passage import Passage
from bench.trace import Attempt, Event, Incident, Opened, Outage, Report
from bench.trace_reading import FaultyLine, shown
from bench.units import Micros, format_instant

_AFTER_CLOSE: Final = frozenset({Report, Incident, Outage})


class Order:
    """Where one installation stands.

    `implicit`: it has no `opened`, so each of its events carries the group. `shaken`: a line that
    may have opened or closed it was faulty, so nothing that follows from that is held against it.
    """

    __slots__ = ("group", "implicit", "last_at", "open", "shaken")

    def __init__(self) -> None:
        self.group: str | None = None
        self.last_at: Micros | None = None
        self.open = False
        self.implicit = False
        self.shaken = False

    def admit(self, event: Event, at: Micros, name: str) -> None:
        """Raises FaultyLine if the event may not come now; else it has been counted in.

        `at` and `name`, the installation's, stand for the event's own.
        """
        if self.last_at is not None and at < self.last_at:
            before, self.last_at = self.last_at, at
            raise FaultyLine(
                f"at: expected a time not before {format_instant(before)}, the one before it of"
                f" {shown(name)}, got {format_instant(at)} (--sort sorts first)"
            )
        first = self.last_at is None
        self.last_at = at
        kind = type(event)
        if kind is Opened:
            self._opened(event, name)
        elif self.open:
            if self.implicit or event.group is not None:
                self._within(event, name)
        elif first and event.group is not None:
            self.open = self.implicit = True
            self.group = event.group
        elif self.shaken:
            self.open = True
            self.group = self.group or event.group
        elif kind in _AFTER_CLOSE and self.group is not None:
            self._within(event, name)
        else:
            raise FaultyLine(self._not_open(event, name))

    def _opened(self, event: Event, name: str) -> None:
        if self.implicit and not self.shaken:
            raise FaultyLine(f"opened: expected as the first event of {shown(name)}, or not at all")
        if self.open and not self.shaken:
            raise FaultyLine(f"opened: expected 'closed' first, {shown(name)} is already open")
        self.open = True
        self.group = event.group

    def _within(self, event: Event, name: str) -> None:
        if event.group is None:
            if self.implicit and not self.shaken:
                raise FaultyLine(
                    f"missing field 'group': expected {self.group} on every event of"
                    f" {shown(name)}, which has no 'opened'"
                )
        elif self.group is None:
            self.group = event.group
        elif event.group != self.group:
            raise FaultyLine(
                f"group: expected {self.group}, the group of {shown(name)}, got {event.group}"
            )

    def _not_open(self, event: Event, name: str) -> str:
        name = shown(name)
        if self.group is not None:
            return (
                f"{event.kind}: expected 'opened' first, or a report, an incident or an outage:"
                f" {name} is closed"
            )
        return (
            f"{event.kind}: expected 'opened' first (or the same 'group' on every event):"
            f" {name} is not open"
        )


def require_rising(event: Attempt, passage: Passage) -> None:
    """Raises FaultyLine unless the attempt begins a chain or its number is higher than the last."""
    last = passage.last_number(event)
    if event.number != 1 and event.number <= last:
        raise FaultyLine(
            f"number: expected 1 (a new chain) or more than {last}, the one before it in this"
            f" chain of {event.section}, got {event.number}"
        )

"""Brings what is known of the clock into a scenario's trace, so that verdicts take it into account.

Each kind of wait that a rule of the strategy judges has an uncertainty of its own. A passage opens
with the largest of them, an upper bound of the others, and is judged by that. A clock that was set
or stood still meanwhile becomes an outage of the clock, and what was measured over it is
inconclusive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from bench.clock import Clock
from bench.clock_evidence import (
    VIRTUAL,
    ClockEvidence,
    Stamp,
    disagreement,
    measured,
    system_stamp,
)
from bench.mehrs.strategy import Kind, Strategy
from bench.parties import Group
from bench.trace import Event, Opened, Outage
from bench.units import SECOND, Micros

_NANOSECONDS: Final = 1000


def judged_spans(strategy: Strategy, group: Group) -> dict[str, Micros]:
    """The durations that the group's rules judge waits by, as the strategy runs, by parameter."""
    named = sorted({name for rule in strategy.rules_for(group) for name in rule.parameters})
    held = [name for name in named if strategy.has(name)]
    durations = [name for name in held if strategy.parameters[name].kind is Kind.DURATION]
    return {name: strategy.duration(name) for name in durations}


def stamps_of(clock: Clock) -> Callable[[], Stamp]:
    """Time of day and monotonic clock of the machine; a virtual clock is both."""
    if clock.mode != "virtual":
        return system_stamp
    return lambda: Stamp(clock.now() * _NANOSECONDS, clock.now() * _NANOSECONDS)


class Timekeeper:
    """Follows one scenario; made before it opens. A virtual clock is right unless `stamp` says
    that it was set.
    """

    def __init__(
        self,
        clock: Clock,
        spans: Mapping[str, Micros],
        *,
        measure: Callable[[Clock], ClockEvidence] = measured,
        stamp: Callable[[], Stamp] | None = None,
    ) -> None:
        self._evidence = measure(clock)
        self._stamp = stamp or stamps_of(clock)
        self._began = self._stamp()
        self._opened: Event | None = None
        self._spans = dict(spans)
        self._apart: Micros = 0
        self.of_waits = {name: self._evidence.uncertainty(span) for name, span in spans.items()}
        """The uncertainty of a wait as long as its limit, by the limit's parameter."""

    @property
    def uncertainty(self) -> Micros:
        """Of the worst of the judged waits."""
        return max(self.of_waits.values(), default=self._evidence.uncertainty(0))

    def widen(self, before: Mapping[str, Micros]) -> None:
        """A part of the scenario was timed by an earlier process, with a clock as good as that."""
        for name, uncertainty in before.items():
            self.of_waits[name] = max(uncertainty, self.of_waits.get(name, 0))

    def seen(self, event: Event) -> Event:
        """The event as the trace gets it."""
        if not isinstance(event, Opened):
            return event
        self._opened = self._opened or event
        if self._evidence is VIRTUAL:
            return event
        return replace(event, uncertainty_s=self.uncertainty / SECOND)

    def outage(self, last: Event) -> Outage | None:
        """What the trace gets at the scenario's end where the clock cannot be relied on."""
        if self._opened is None:
            return None
        self._apart = disagreement(self._began, self._stamp())
        if abs(self._apart) <= self.uncertainty or last.at <= self._opened.at:
            return None
        return Outage(
            at=last.at,
            installation=last.installation,
            from_=self._opened.at,
            to=last.at,
            of="clock",
            extra={"apart_us": self._apart},
        )

    def as_json(self) -> dict[str, Any] | None:
        """What `clock.json` says of the scenario, spans in microseconds; None: nothing to say."""
        if self._evidence is VIRTUAL:
            return None
        return {
            **self._evidence.as_json(),
            "waits": {
                name: {"limit": span, "uncertainty": self.of_waits[name]}
                for name, span in self._spans.items()
            },
            "uncertainty": self.uncertainty,
            "ran_apart": self._apart,
        }

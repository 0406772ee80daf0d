"""Brings what is known of the clock into a scenario's trace, so that verdicts take it into account.

Each passage opens with the uncertainty of the longest span that any rule of its strategy judges;
for every shorter one that is an upper bound. A clock that was set or stood still meanwhile becomes
an outage of the clock, and what was measured over it is inconclusive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

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


def longest_span(strategy: Strategy, group: Group) -> Micros:
    """The longest duration that a rule of the group is judged by, as the strategy runs."""
    named = {name for rule in strategy.rules_for(group) for name in rule.parameters}
    held = [strategy.parameters[name] for name in named if strategy.has(name)]
    return max((int(p.running_value) for p in held if p.kind is Kind.DURATION), default=0)


class Timekeeper:
    """Follows one scenario; made before it opens. On a virtual clock it changes nothing."""

    def __init__(
        self,
        clock: Clock,
        longest: Micros,
        *,
        measure: Callable[[Clock], ClockEvidence] = measured,
        stamp: Callable[[], Stamp] = system_stamp,
    ) -> None:
        self._evidence = measure(clock)
        self._stamp = stamp
        self._began = stamp()
        self._opened: Event | None = None
        self._longest = longest
        self._apart: Micros = 0
        self.uncertainty = self._evidence.uncertainty(longest)

    def seen(self, event: Event) -> Event:
        """The event as the trace gets it."""
        if self._evidence is VIRTUAL or not isinstance(event, Opened):
            return event
        self._opened = self._opened or event
        return replace(event, uncertainty_s=self.uncertainty / SECOND)

    def outage(self, last: Event) -> Outage | None:
        """What the trace gets at the scenario's end where the clock cannot be relied on."""
        if self._evidence is VIRTUAL or self._opened is None:
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
            "longest_span": self._longest,
            "uncertainty": self.uncertainty,
            "ran_apart": self._apart,
        }

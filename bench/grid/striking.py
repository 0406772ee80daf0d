"""Strikes of one cell in a world: counts what is in scope, and strikes when it is time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bench.emulation import EmulatedWorld, Fate, FaultSpec, Moment
from bench.grid.cell import Cell, Scope, Strike
from bench.trace import Closed, Event, Step

_NOTHING: Final = Fate()


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a run that was counted; `events` had been written when it was made."""

    target: str
    operation: str
    events: int


class Striker:
    """Counts what is in scope and strikes when it is time. Implements `bench.emulation.Script`."""

    def __init__(self, world: EmulatedWorld, cell: Cell) -> None:
        self.events: list[Event] = []
        self.requests: list[Request] = []
        self.struck = 0
        self._world = world
        self._scope = cell.scope
        self._counting = cell.scope is Scope.RUN
        self._requests: dict[int, list[Strike]] = {}
        self._events: dict[int, list[Strike]] = {}
        for strike in cell.strikes:
            at = self._events if strike.after_event else self._requests
            at.setdefault(strike.at, []).append(strike)

    def fate(self, target: str, operation: str) -> Fate:
        if not self._counting:
            return _NOTHING
        self.requests.append(Request(target, operation, len(self.events)))
        strikes = self._requests.get(len(self.requests))
        if strikes is None:
            return _NOTHING
        self.struck += len(strikes)
        fault, lasts, let_through = "", None, []
        for strike in strikes:
            if strike.lets is not None:
                let_through.append(strike.lets)
            elif strike.target:
                self._begin(strike)
            else:
                fault, lasts = strike.fault, strike.lasts
        return Fate(fault, let_through, lasts)

    def see(self, event: Event) -> None:
        self.events.append(event)
        self._world.observe(event)
        if self._scope in (Scope.KEYS, Scope.ONCE):
            if isinstance(event, Step) and event.section == "2.5.10":
                self._counting = event.outcome == "passed"
            elif isinstance(event, Closed) or (
                isinstance(event, Step) and event.section == "2.6.4.1" and event.outcome == "passed"
            ):
                self._counting = False
        for strike in self._events.get(len(self.events), ()):
            self.struck += 1
            self._begin(strike)

    def count(self) -> None:
        """From now on requests are counted."""
        self._counting = True

    def stop(self) -> None:
        self._counting = False
        self._requests.clear()

    def _begin(self, strike: Strike) -> None:
        moment = Moment(after=0)  # long past: as soon as anybody waits
        self._world.arm(FaultSpec(strike.fault, strike.target, moment, strike.lasts))

"""What a part of the grid came to: counts, the heat of each fault at each place, what was red."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Final

from bench.grid.cell import Scope, Strike
from bench.grid.judging import End
from bench.grid.trial import Trial
from bench.trace import Closed, Event, File, Smi, Step

KEPT: Final = 200
"""So many red cells, and so many parked ones, are kept by name; all are counted."""

Place = tuple[str, str, str]
"""Installation, fault, and where it struck: a step of the process, or a message of key rotation."""


@dataclass(frozen=True, slots=True)
class Named:
    cell: str
    end: str
    why: str


PARKED: Final = (End.PARKED, End.UNHEARD)


@dataclass(slots=True)
class Tally:
    """Adds up: the tally of two halves is the sum of theirs.

    `runs` counts what was run, `stood_for` the schedules that those runs stand for. A run with
    several strikes is counted at the place of each. `shown`: of the cells at a place one of the
    worst, which a reader may run again, with how good its end is.
    """

    runs: Counter[str] = field(default_factory=Counter)
    stood_for: int = 0
    requests: int = 0
    heat: dict[Place, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    shown: dict[Place, tuple[int, int, str]] = field(default_factory=dict)
    red: list[Named] = field(default_factory=list)
    parked: list[Named] = field(default_factory=list)
    unstruck: int = 0

    def add(self, trial: Trial, stands_for: int = 1) -> None:
        end = trial.ended.end
        self.runs[end.value] += 1
        self.stood_for += stands_for
        self.requests += len(trial.requests)
        self.unstruck += trial.struck < len(trial.cell.strikes)
        good = 0 if end.red else 1 if end in PARKED else 2
        name = str(trial.cell)
        for place in _places(trial):
            self.heat[place][end.value] += 1
            self._show(place, (good, len(name), name))
        kept = self.red if end.red else self.parked
        if good < 2 and len(kept) < KEPT:
            kept.append(Named(name, end.value, trial.ended.why))

    def merge(self, other: Tally) -> None:
        self.runs.update(other.runs)
        self.stood_for += other.stood_for
        self.requests += other.requests
        self.unstruck += other.unstruck
        for place, counts in other.heat.items():
            self.heat[place].update(counts)
        for place, shown in other.shown.items():
            self._show(place, shown)
        self.red = _shortest([*self.red, *other.red])
        self.parked = _shortest([*self.parked, *other.parked])

    def _show(self, place: Place, shown: tuple[int, int, str]) -> None:
        self.shown[place] = min(shown, self.shown.get(place, shown))

    @property
    def total(self) -> int:
        return sum(self.runs.values())

    @property
    def red_runs(self) -> int:
        return sum(count for end, count in self.runs.items() if End(end).red)

    def share(self, end: End) -> float:
        """Of the runs, from 0 to 1."""
        return self.runs[end.value] / self.total if self.total else 0.0


def _shortest(named: list[Named]) -> list[Named]:
    return sorted(named, key=lambda each: (len(each.cell), each.cell))[:KEPT]


def _places(trial: Trial) -> set[Place]:
    return {
        (trial.cell.installation, strike.fault, _where(trial, strike))
        for strike in trial.cell.strikes
        if strike.lets is None
    }


def _where(trial: Trial, strike: Strike) -> str:
    if strike.after_event:
        return _step_after(trial.events, strike.at)
    if strike.at > len(trial.requests):
        return "never"
    request = trial.requests[strike.at - 1]
    if trial.cell.scope is not Scope.RUN:
        return f"{request.target} {request.operation}"
    return _step_after(trial.events, request.events)


def _step_after(events: list[Event], number: int) -> str:
    """The section that the first `number` events lead into: the next that the trace names."""
    for event in events[number:]:
        if isinstance(event, Step):
            return event.section
        if isinstance(event, File) and event.file in ("MCF", "MVF"):
            return event.file
        if isinstance(event, Smi):
            return "2.6.6"
        if isinstance(event, File) and event.file == "SCF":
            return "2.6.7"
        if isinstance(event, Closed):
            return "rollback"
    return "after the end"

"""What is to be run, cut into tasks that a process works through by itself."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bench.grid.cell import Cell, Scope
from bench.grid.schedules import Fated, children, random_way
from bench.grid.singles import pair_cells, single_cells
from bench.grid.tally import Tally
from bench.grid.trial import DIRECT, Trial, run_cell
from bench.parties import Group

INSTALLATIONS: Final = {
    Group.IOC: ("ioc-dual-fuel", "ioc-prepayment"),
    Group.MDS: ("mds-dual-fuel",),
    Group.DA: ("da-dual-fuel",),
    Group.EA: ("ea-dual-fuel",),
}
MOST_FATES: Final = 3
PAIRS: Final = 2000
"""Of each installation, unless told otherwise."""
_CELLS_A_TASK: Final = 40


class Part(StrEnum):
    """Parts of the grid."""

    SINGLES = "singles"  # every single fault at every place
    PAIRS = "pairs"  # seeded pairs of them
    SCHEDULES = "schedules"  # every schedule of message fates over key rotation
    ACTS = "acts"  # every schedule over single acts that leave a doubt


_SCOPES: Final = {
    Part.SCHEDULES: (Scope.KEYS, Scope.ONCE),
    Part.ACTS: (Scope.REBOOT, Scope.JOIN, Scope.CLOCK),
}


@dataclass(frozen=True, slots=True)
class Order:
    """What the user asks for. `sample`: at most so many cells of each part and installation."""

    groups: tuple[Group, ...] = tuple(Group)
    parts: tuple[Part, ...] = tuple(Part)
    fault: str = ""
    sample: int | None = None
    seed: int = 1
    via: str = DIRECT
    fates: int = MOST_FATES


@dataclass(frozen=True, slots=True)
class Task:
    """Work for a second or so: cells, the whole tree below a schedule, or ways down from it."""

    part: Part
    cells: tuple[Cell, ...] = ()
    below: Fated | None = None
    ways: tuple[str, ...] = ()
    fates: int = MOST_FATES
    via: str = DIRECT

    def work(self) -> Tally:
        tally = Tally()
        for cell in self.cells:
            tally.add(run_cell(cell, via=self.via))
        if self.below is not None:
            if self.ways:
                self._go_ways(self.below, tally)
            else:
                self._go_through(self.below, tally)
        return tally

    def _run(self, cell: Cell) -> Trial:
        return run_cell(cell, via=self.via)

    def _go_through(self, fated: Fated, tally: Tally) -> None:
        left = [fated]
        while left:
            here = left.pop()
            trial = self._run(here.cell)
            tally.add(trial, here.stands_for)
            left.extend(children(here, trial, self.fates))

    def _go_ways(self, root: Fated, tally: Tally) -> None:
        for seed in self.ways:
            fated, trial = random_way(root, self._run, random.Random(seed), self.fates)
            tally.add(trial, fated.stands_for)


@dataclass(slots=True)
class Plan:
    """The tasks, and the tally of what was run to find them."""

    tasks: list[Task] = field(default_factory=list)
    tallies: dict[Part, Tally] = field(default_factory=dict)


def plan(order: Order) -> Plan:
    """Runs each installation once to see what there is to strike."""
    made = Plan(tallies={part: Tally() for part in order.parts})
    for group in order.groups:
        for installation in INSTALLATIONS[group]:
            source = random.Random(f"{order.seed}/{installation}")
            singles = single_cells(installation, order.fault)
            if Part.SINGLES in order.parts:
                chosen = singles
                if order.sample is not None and order.sample < len(singles):
                    chosen = source.sample(singles, order.sample)
                made.tasks += _cut(Part.SINGLES, chosen, order.via)
            if Part.PAIRS in order.parts and singles:
                number = PAIRS if order.sample is None else order.sample
                pairs = list(pair_cells(singles, source, number))
                made.tasks += _cut(Part.PAIRS, pairs, order.via)
            if group is Group.DA and not order.fault:
                for part in order.parts:
                    for scope in _SCOPES.get(part, ()):
                        root = Fated(Cell(installation, scope))
                        made.tasks += _schedules(order, part, root, made.tallies[part])
    return made


def _cut(part: Part, cells: list[Cell], via: str) -> Iterator[Task]:
    for at in range(0, len(cells), _CELLS_A_TASK):
        yield Task(part, cells=tuple(cells[at : at + _CELLS_A_TASK]), via=via)


def _schedules(order: Order, part: Part, root: Fated, tally: Tally) -> Iterator[Task]:
    if order.sample is not None:
        ways = [f"{order.seed}/{root.cell}/{number}" for number in range(order.sample)]
        for at in range(0, len(ways), _CELLS_A_TASK):
            some = tuple(ways[at : at + _CELLS_A_TASK])
            yield Task(part, below=root, ways=some, fates=order.fates, via=order.via)
        return
    level = [root]
    for _ in range(2):  # the trees two strikes below the root are tasks of about the same size
        below: list[Fated] = []
        for here in level:
            trial = run_cell(here.cell, via=order.via)
            tally.add(trial, here.stands_for)
            below += children(here, trial, order.fates)
        level = below
    for here in level:
        yield Task(part, below=here, fates=order.fates, via=order.via)

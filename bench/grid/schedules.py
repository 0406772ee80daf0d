"""Every schedule of up to so many message fates over the messages of a run: a tree of cells.

Which messages there are depends on what befell the ones before, so the tree is found by running: a
cell's children strike later than its last strike, at the messages that the cell's own run showed.
Each cell is reached one way only.

A held request is let through after the run, unless a strike lets it through earlier: before any
later message to the same peer, once it was overtaken by at least one. A party does not restart,
and a request to it is not held but late by `_LATE`.

What is provably the same is run once and counted as often as it stands for (`Fated.stands_for`): a
question that changes and counts nothing leaves nothing behind, so it is the same whether it, or
its answer, or both come to nothing, and whether a device restarts before or after it answers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from bench.emulation import HELD
from bench.grid.cell import LET, Cell, Strike
from bench.grid.striking import Request
from bench.grid.trial import Trial
from bench.parties import Actor
from bench.units import MINUTE

FATES: Final = (
    "request-lost",
    "reply-lost",
    "reply-garbled",
    HELD,
    "reboot-before-commit",
    "reboot-after-commit",
)
_LATE: Final = 12 * MINUTE
"""At a party's desk: after the caller gave up (10 min) and asked once what is so, before it asks
again. A desk has no counter that could stop a request which comes any later.
"""

_PARTIES: Final = frozenset(Actor)
_LOOKS: Final = frozenset(
    {"wan_state", "key_state", "account_holder", "diagnostics", "han_devices", "read_clock"}
)
"""Questions that change and count nothing."""


@dataclass(frozen=True, slots=True)
class Fated:
    """A schedule, and for how many it stands."""

    cell: Cell
    stands_for: int = 1


def children(parent: Fated, trial: Trial, most: int) -> Iterator[Fated]:
    """The schedules that go one strike further than `parent`, whose run was `trial`."""
    cell = parent.cell
    last = cell.strikes[-1] if cell.strikes else None
    begin = 1 if last is None else last.at if last.lets is not None else last.at + 1
    for at in range(begin, len(trial.requests) + 1):
        for number, held_at in _still_held(cell):
            at_its_turn = last is None or at > last.at or (last.lets is not None)
            later = last is not None and last.at == at and (last.lets or 0) >= number
            if at_its_turn and not later and _overtaken(trial, held_at, at):
                yield Fated(_with(cell, Strike(at, f"{LET}{number + 1}")), parent.stands_for)
        if cell.faults < most:
            for strike, times in _fates_of(at, trial.requests[at - 1]):
                yield Fated(_with(cell, strike), parent.stands_for * times)


def _with(cell: Cell, strike: Strike) -> Cell:
    return Cell(cell.installation, cell.scope, (*cell.strikes, strike))


def _still_held(cell: Cell) -> list[tuple[int, int]]:
    """Number and moment of each request that was held and not let through."""
    held = [strike.at for strike in cell.strikes if strike.fault == HELD]
    let = {strike.lets for strike in cell.strikes}
    return [(number, at) for number, at in enumerate(held) if number not in let]


def _overtaken(trial: Trial, held_at: int, at: int) -> bool:
    """Whether the request at `at` goes to the held one's peer, and another one went in between."""
    target = trial.requests[held_at - 1].target
    if trial.requests[at - 1].target != target:
        return False
    return any(request.target == target for request in trial.requests[held_at : at - 1])


def _fates_of(at: int, request: Request) -> Iterator[tuple[Strike, int]]:
    """Each strike to run, and for how many fates it stands."""
    party = request.target in _PARTIES
    if request.operation in _LOOKS:
        yield Strike(at, "request-lost"), 3
        yield Strike(at, "reply-garbled"), 1
        if not party:
            yield Strike(at, "reboot-before-commit"), 2
        return
    for fate in FATES:
        if not party:
            yield Strike(at, fate), 1
        elif fate == HELD:
            yield Strike(at, "request-late", lasts=_LATE), 1
        elif not fate.startswith("reboot"):
            yield Strike(at, fate), 1


def random_way(
    root: Fated, run: Callable[[Cell], Trial], source: random.Random, most: int
) -> tuple[Fated, Trial]:
    """A schedule at random: from the root down as many strikes as chance has it, `most` and more.

    Every cell on the way is run, since only its run shows what may come after it.
    """
    here = root
    trial = run(here.cell)
    for _ in range(source.randint(1, most + 1)):
        below = list(children(here, trial, most))
        if not below:
            break
        here = source.choice(below)
        trial = run(here.cell)
    return here, trial

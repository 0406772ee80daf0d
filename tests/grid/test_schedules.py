"""The tree of schedules: complete, without doubles, and what is pruned is really the same."""

from __future__ import annotations

import itertools
import random

import pytest

from bench.emulation import HELD
from bench.grid.cell import Cell, Scope, Strike
from bench.grid.schedules import FATES, Fated, children, random_way
from bench.grid.striking import Request
from bench.grid.trial import Trial, run_cell
from bench.trace import to_json

ROOT = Fated(Cell("da-dual-fuel", Scope.KEYS))


def tree(most: int, root: Fated = ROOT) -> list[tuple[Fated, Trial]]:
    found, left = [], [root]
    while left:
        here = left.pop()
        trial = run_cell(here.cell)
        found.append((here, trial))
        left.extend(children(here, trial, most))
    return found


@pytest.fixture(scope="module")
def singles() -> list[tuple[Fated, Trial]]:
    return tree(1)


def test_every_fate_of_every_message_is_there(singles: list[tuple[Fated, Trial]]) -> None:
    """Counted by hand: two messages that only look, two commands, two proofs."""
    requests = run_cell(ROOT.cell).requests
    assert [request.operation for request in requests] == [
        *("wan_state", "rotate_key", "prove_key"),
        *("wan_state", "rotate_key", "prove_key"),
    ]
    one_fate = [fated for fated, _ in singles if len(fated.cell.strikes) == 1]
    assert sum(fated.stands_for for fated in one_fate) == len(requests) * len(FATES)
    struck = {(s.at, s.fault) for fated in one_fate for s in fated.cell.strikes}
    assert {(at, fate) for at in (2, 3, 5, 6) for fate in FATES} <= struck


def test_a_held_request_comes_at_every_later_turn_it_can(
    singles: list[tuple[Fated, Trial]],
) -> None:
    """Before each later request to the same meter but the first, and after the end."""
    for at in (2, 3, 5, 6):
        (trial,) = [t for f, t in singles if f.cell.strikes == (Strike(at, HELD),)]
        target = trial.requests[at - 1].target
        turns = [n for n, r in enumerate(trial.requests, 1) if n > at and r.target == target][1:]
        let = [
            fated.cell.strikes[1].at
            for fated, _ in singles
            if len(fated.cell.strikes) == 2 and fated.cell.strikes[0] == Strike(at, HELD)
        ]
        assert sorted(let) == turns


def test_each_schedule_is_reached_once() -> None:
    root = Fated(Cell("da-electricity-only", Scope.KEYS))
    names = [str(fated.cell) for fated, _ in tree(2, root)]
    assert len(names) == len(set(names))
    assert len(names) > 300


def told(cell: Cell) -> tuple[list[str], list[Request], str]:
    trial = run_cell(cell)
    return [to_json(event) for event in trial.events], trial.requests, str(trial.truth)


@pytest.mark.parametrize("same", [("request-lost", "reply-lost", HELD), FATES[4:]])
def test_what_is_run_once_is_the_same_run(
    singles: list[tuple[Fated, Trial]], same: tuple[str, ...]
) -> None:
    """For questions that only look, after every first fate."""
    seen = 0
    for (fated, trial), step in zip(singles, itertools.cycle(range(3)), strict=False):
        begin = fated.cell.strikes[-1].at + 1 if fated.cell.strikes else 1
        looks = [
            at
            for at in range(begin, len(trial.requests) + 1)
            if trial.requests[at - 1].operation in ("wan_state", "key_state")
        ]
        for at in looks[step : step + 1]:
            ends = [
                told(Cell("da-dual-fuel", Scope.KEYS, (*fated.cell.strikes, Strike(at, fate))))
                for fate in same
            ]
            assert ends.count(ends[0]) == len(ends)
            seen += 1
    assert seen > 10


def test_a_cell_runs_the_same_again() -> None:
    cell = Cell("da-dual-fuel", Scope.KEYS, (Strike(2, HELD), Strike(4, "reply-garbled")))
    assert told(cell) == told(cell)


def test_a_way_down_is_one_of_the_tree() -> None:
    everything = {str(fated.cell) for fated, _ in tree(1)}
    for seed in range(12):
        fated, trial = random_way(ROOT, run_cell, random.Random(seed), 1)
        assert str(fated.cell) in everything
        assert trial.cell == fated.cell

"""Working through a plan: the same in one process and in two, and kept when it is stopped."""

from __future__ import annotations

import json

import pytest

from bench.grid.cell import read_cell
from bench.grid.judging import End
from bench.grid.plan import Order, Part, plan
from bench.grid.record import grid_json
from bench.grid.singles import catalogue, single_cells
from bench.grid.trial import EMU, run_cell
from bench.grid.working import Progress, work_through
from bench.parties import Group

SAMPLE = Order(sample=25)


def test_a_sample_of_everything_is_green() -> None:
    """All groups, singles, pairs and schedules; `make prove` runs all of them."""
    grid = work_through(plan(SAMPLE), 1)
    assert grid.complete
    assert grid.red == 0, [red for tally in grid.tallies.values() for red in tally.red]
    assert {part: tally.total for part, tally in grid.tallies.items()} == {
        Part.SINGLES: 125,
        Part.PAIRS: 125,
        Part.SCHEDULES: 50,
        Part.ACTS: 75,
    }


def test_the_same_over_the_wire() -> None:
    grid = work_through(plan(Order((Group.DA,), (Part.SCHEDULES,), sample=3, via=EMU)), 1)
    assert (grid.runs, grid.red) == (6, 0)


def test_processes_make_no_difference() -> None:
    order = Order((Group.DA,), (Part.PAIRS, Part.SCHEDULES), sample=50)
    alone, together = work_through(plan(order), 1), work_through(plan(order), 2)
    records = [json.loads(grid_json(order, grid, 1)) for grid in (alone, together)]
    for record in records:
        del record["seconds"]
    assert records[0] == records[1]


def test_what_is_done_when_it_is_stopped_is_kept() -> None:
    def stop(progress: Progress) -> None:
        assert progress.left is not None
        if progress.tasks == 2:
            raise KeyboardInterrupt

    grid = work_through(plan(Order((Group.EA,), (Part.SINGLES,), sample=200)), 1, stop)
    assert not grid.complete
    assert grid.runs == 80


def test_every_fault_has_its_cells() -> None:
    """But those that need a prepayment installation, of which there is one too."""
    singles = [*single_cells("da-dual-fuel"), *single_cells("ioc-prepayment")]
    assert {cell.strikes[0].fault for cell in singles} == set(catalogue())
    assert len({str(cell) for cell in singles}) == len(singles)


@pytest.mark.parametrize("installation", ["da-dual-fuel", "ea-dual-fuel"])
def test_every_single_fault_strikes(installation: str) -> None:
    cells = single_cells(installation)
    for cell in cells[:: len(cells) // 60]:
        trial = run_cell(cell)
        assert trial.struck == 1, str(cell)


def test_an_engine_that_breaks_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("bench.grid.trial.migrate", broken)
    ended = run_cell(read_cell("da-dual-fuel/run/none")).ended
    assert ended.end is End.BROKEN
    assert "ZeroDivisionError" in ended.why

"""A wrong engine turns the grid red: the grid can fail, and says of what.

Mutants of the real engine, not switches in the product. The schedules are those of up to two
message fates (`SMETS1_BENCH_FATES`) over the rotation of one meter's key; with `-s` the counts are
printed.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass

import pytest

from bench.grid.cell import Cell, Scope
from bench.grid.judging import End
from bench.grid.schedules import Fated, children
from bench.grid.singles import single_cells
from bench.grid.tally import Tally
from bench.grid.trial import run_cell
from bench.migration import account, key_proof, key_rotation
from tests.engine_mutants.editing import Patch, edit

INSTALLATION = "da-electricity-only"
FATES = int(os.environ.get("SMETS1_BENCH_FATES", "2"))
NO_ANSWER = "return Sent(Reply.DOUBT, code_of(error), answered=False)\n    except CheckFailed"
PROOF = "proven = may_be_wrong(case, device) and probe(case, device, key)"


@dataclass(frozen=True)
class Mutant:
    """`red`: so many runs at least are red, some of them in the way of `end`; then it is enough,
    but where the `whole` of the trees is run.
    """

    name: str
    patches: tuple[Patch, ...]
    red: int
    end: End
    whole: bool = False


MUTANTS = [
    Mutant(
        "no acknowledgement = roll back",
        (
            edit(
                key_rotation._send,
                NO_ANSWER,
                NO_ANSWER.replace("DOUBT", "NOT_TAKEN").replace("answered=False", "again=False"),
                PROOF,
                "proven = True",
            ),
        ),
        90,
        End.WRONG_KEY,
        whole=True,
    ),
    Mutant(
        "no acknowledgement = send again",
        (
            edit(
                key_rotation._send,
                NO_ANSWER,
                NO_ANSWER.replace("DOUBT", "NOT_TAKEN").replace(", answered=False", ""),
                PROOF,
                "proven = True",
            ),
            edit(key_rotation._rotate, "chain.wait()", "chain.wait() or True"),
        ),
        90,
        End.WRONG_KEY,
        whole=True,
    ),
    Mutant(
        "given up without a fence",
        (
            edit(
                key_rotation._rotate, "if not on_its_way:", "if not on_its_way or case.done.pop():"
            ),
        ),
        3,
        End.WRONG_KEY,
    ),
    Mutant(
        "probes without a budget",
        (edit(key_proof.may_be_wrong, "probes.denied + probes.unanswered", "0"),),
        3,
        End.LOCKED,
    ),
    Mutant(
        "every command has the same counter",
        (edit(key_rotation._send, "case.effects.keys.next_counter(device.name)", "9"),),
        3,
        End.WRONG_KEY,
    ),
    Mutant(
        "an account switch in doubt is left to itself",
        (edit(account.settle_holder, "if awaited is None or holder is awaited:", "if True:"),),
        1,
        End.WRONG_ACCOUNT,
    ),
]


def run_through(mutant: Mutant | None) -> Tally:
    """Both trees and the late requests, until there are as many red runs as are looked for."""
    tally = Tally()
    for cell in single_cells("mds-dual-fuel", "request-late"):
        tally.add(run_cell(cell))
    left = deque(Fated(Cell(INSTALLATION, scope)) for scope in (Scope.ONCE, Scope.KEYS))
    while left and (mutant is None or mutant.whole or tally.red_runs < mutant.red):
        here = left.popleft()
        trial = run_cell(here.cell)
        tally.add(trial, here.stands_for)
        left.extend(children(here, trial, 1 if mutant is None else FATES))
    return tally


def test_the_engine_itself_is_green() -> None:
    tally = run_through(None)
    assert tally.red_runs == 0
    assert tally.total > 70


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_a_wrong_engine_turns_the_grid_red(monkeypatch: pytest.MonkeyPatch, mutant: Mutant) -> None:
    for patch in mutant.patches:
        patch(monkeypatch)
    tally = run_through(mutant)
    print(f"{mutant.name}: {tally.red_runs:,} of {tally.total:,} runs red: {dict(tally.runs)}")
    assert tally.red_runs >= mutant.red
    assert tally.runs[mutant.end.value]

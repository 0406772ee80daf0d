"""What a passage has done, and how it is undone: the rollbacks of 2.6.4.1 (DA) and 2.6.5 (others).

Each step that changes the world enters itself in `Case.done`, as soon as it *may* have changed it.
The rollback walks them back, last first. Their kinds and order are the bench's; what the rollbacks
of the MEHRS consist of is not public.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.migration.case import Case


class Undoing(StrEnum):
    """What it takes to undo a step."""

    REVERSIBLE = "reversible"  # the opposite act, and all is as before: the account
    COMPENSABLE = "compensable"  # a further act that leaves its mark: a key sent back, counted on
    IRREVERSIBLE = "irreversible"  # nothing does: an old key destroyed, the CHF on the SMI


@dataclass(frozen=True, slots=True)
class Done:
    """A step that is done, or may be. `undo` raises `Parked` where it cannot be proven undone."""

    name: str
    undoing: Undoing
    undo: Callable[[Case], None]


def irreversible(name: str) -> Done:
    """A step after which there is no way back."""
    return Done(name, Undoing.IRREVERSIBLE, _refuse)


def _refuse(case: Case) -> None:
    raise AssertionError("can_go_back() was asked first")


def can_go_back(case: Case) -> bool:
    return all(step.undoing is not Undoing.IRREVERSIBLE for step in case.done)


def roll_back(case: Case) -> None:
    """Undoes every step, last first; each is proven undone before the one before it is touched."""
    while case.done:
        case.done[-1].undo(case)
        case.done.pop()

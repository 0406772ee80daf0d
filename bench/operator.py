"""Asking a person at the bench: plug this, look at the display, press that.

A terminal asks (`bench.operator_terminal`), and so may a page; a scenario only knows `Operator`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bench.clock import Cancellation
from bench.units import MINUTE, Micros


class Occasion(StrEnum):
    """When a scenario asks: before anything is begun, or when it is about to close."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class OperatorStep:
    """What a scenario asks of a person. The first of `answers` is the one it needs.

    `within`: how long the person may take, in real time whatever the station's clock is.
    """

    step: Occasion
    ask: str
    answers: tuple[str, ...] = ("done",)
    within: Micros = 5 * MINUTE

    @property
    def needed(self) -> str:
        return self.answers[0]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a person answered: one of the answers, or empty where the time was up."""

    answer: str
    by: str


class Operator(Protocol):
    """A way to ask the person at the bench. One question at a time."""

    @property
    def absent(self) -> str:
        """Why nobody can be asked; empty where somebody can."""

    def ask(self, step: OperatorStep, cancellation: Cancellation) -> Answered:
        """Asks until one of the answers is given or the time is up. Raises `Cancelled`."""


class Nobody:
    """An `Operator` where there is none."""

    absent = "nobody is there to be asked"

    def ask(self, step: OperatorStep, cancellation: Cancellation) -> Answered:
        return Answered("", "")

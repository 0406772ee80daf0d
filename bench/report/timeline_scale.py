"""From time to pixels: to scale, or with long idle spans cut short and each cut marked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from bench.report.spoken import day, short_day, time_of_day
from bench.units import DAY, HOUR, MINUTE, SECOND, Micros

BREAK_WIDTH: Final = 64.0
"""Pixels that an idle span cut short still takes."""

_STEPS: Final = (
    *(SECOND * n for n in (1, 2, 5, 10, 15, 30)),
    *(MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(HOUR * n for n in (1, 2, 3, 4, 6, 12)),
    *(DAY * n for n in (1, 2, 7, 14, 28, 91, 365)),
)


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the axis. `day` is set where a new day begins and at the first tick."""

    at: Micros
    x: float
    time: str
    day: str


@dataclass(frozen=True, slots=True)
class _Piece:
    start: Micros
    end: Micros
    x0: float
    x1: float
    cut: bool

    def x(self, at: Micros) -> float:
        return self.x0 + (self.x1 - self.x0) * (at - self.start) / max(1, self.end - self.start)


class Scale:
    """Maps [start, end] onto [left, left + width]; times outside are clipped to its ends.

    With `cuts` (spans inside, in order, apart from each other) each takes `BREAK_WIDTH` and the
    rest shares what is left, to one scale.
    """

    def __init__(
        self,
        start: Micros,
        end: Micros,
        *,
        left: float,
        width: float,
        cuts: Sequence[tuple[Micros, Micros]] = (),
    ) -> None:
        self.start = start
        self.end = max(end, start + 1)
        self.left = left
        self.right = left + width
        kept = self.end - self.start - sum(to - from_ for from_, to in cuts)
        self._per_micro = (width - BREAK_WIDTH * len(cuts)) / max(1, kept)
        self._pieces = tuple(self._lay_out(cuts))
        self._starts = [piece.start for piece in self._pieces]

    def _lay_out(self, cuts: Sequence[tuple[Micros, Micros]]) -> Iterator[_Piece]:
        at, x = self.start, self.left
        for from_, to in cuts:
            if from_ > at:
                wide = (from_ - at) * self._per_micro
                yield _Piece(at, from_, x, x + wide, cut=False)
                x += wide
            yield _Piece(from_, to, x, x + BREAK_WIDTH, cut=True)
            at, x = to, x + BREAK_WIDTH
        yield _Piece(at, self.end, x, self.right, cut=False)

    def x(self, at: Micros) -> float:
        at = min(max(at, self.start), self.end)
        return self._pieces[max(0, bisect_right(self._starts, at) - 1)].x(at)

    @property
    def cuts(self) -> tuple[tuple[Micros, Micros, float, float], ...]:
        """Each cut with its ends in pixels."""
        return tuple((p.start, p.end, p.x0, p.x1) for p in self._pieces if p.cut)

    def ticks(self, apart: float = 58.0) -> tuple[Tick, ...]:
        """Ticks on round times, at least `apart` pixels from each other, none inside a cut."""
        step = next((s for s in _STEPS if s * self._per_micro >= apart), _STEPS[-1])
        found: list[Tick] = []
        seen = ""
        for piece in self._pieces:
            if piece.cut:
                continue
            at = -(-piece.start // step) * step
            while at <= piece.end:
                x = piece.x(at)
                if not found or x - found[-1].x >= apart:
                    date = day(at)
                    time = "" if step >= DAY else time_of_day(at)
                    shown = date if not found else short_day(at)
                    found.append(Tick(at, x, time, shown if date != seen else ""))
                    seen = date
                at += step
        return tuple(found)


def idle_spans(
    instants: Iterable[Micros], start: Micros, end: Micros, share: float
) -> tuple[tuple[Micros, Micros], ...]:
    """The spans between two neighbouring instants that take at least `share` of the whole."""
    least = (end - start) * share
    ordered = sorted({start, end, *(at for at in instants if start <= at <= end)})
    return tuple((a, b) for a, b in pairwise(ordered) if b - a >= least and b > a)

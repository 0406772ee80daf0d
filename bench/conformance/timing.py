"""Judging time with a tolerance, an uncertain clock and spans of which nothing is known.

Every answer is three-valued. T is the tolerance of the check, U the clock uncertainty of the
passage; both microseconds. See "Judging time" in docs/trace.md.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bench.conformance.facts import FOR_EVER, Out
from bench.units import Micros
from bench.verdict import Verdict

PASS, INCONCLUSIVE, FAIL = Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL


class _Spans:
    """Open spans, disjoint and sorted, so that one bisection answers an overlap.

    Spans that only touch stay apart: a moment at which two outages touch lies in neither.
    """

    __slots__ = ("_ends", "_starts")

    def __init__(self, spans: Iterable[tuple[Micros, Micros]]) -> None:
        self._starts: list[Micros] = []
        self._ends: list[Micros] = []
        for start, end in sorted(spans):
            if self._ends and start < self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def overlap(self, start: Micros, end: Micros) -> bool:
        before = bisect_left(self._starts, end)
        return before > 0 and self._ends[before - 1] > start


class Outages:
    """The outages of one passage."""

    __slots__ = ("_any", "_blind")

    def __init__(self, outages: Iterable[Out]) -> None:
        outages = tuple(outages)
        self._any = _Spans((out.start, out.end) for out in outages)
        self._blind = _Spans((out.start, out.end) for out in outages if out.blind)

    def spoil(self, start: Micros, end: Micros) -> bool:
        """Whether a time that depends on this span cannot be relied on."""
        return self._any.overlap(start, end)

    def could_hide(self, start: Micros, end: Micros) -> bool:
        """Whether something missing between the two could have happened unseen."""
        return self._blind.overlap(start, end)

    def could_hide_after(self, start: Micros) -> bool:
        """The same for what may also come after the close."""
        return self._blind.overlap(start, FOR_EVER)


NO_OUTAGES: Final = Outages(())


@dataclass(slots=True)
class Timing:
    """Judges spans of one passage. `exclusive`: a limit reached exactly is missed."""

    tolerance: Micros
    uncertainty: Micros
    exclusive: bool = False

    def wait(self, waited: Micros, limit: Micros) -> Verdict:
        """|d − L| ≤ T − U passes, > T + U fails. A wait has no limit to reach: no boundary."""
        off = abs(waited - limit)
        if off <= self.tolerance - self.uncertainty:
            return PASS
        return FAIL if off > self.tolerance + self.uncertainty else INCONCLUSIVE

    def within_period(self, moment: Micros, end: Micros) -> Verdict:
        """Whether the moment lies in a period that ends at `end`: T and U on its one side."""
        slack = self.tolerance
        return self._reach(moment - end, slack - self.uncertainty, slack + self.uncertainty)

    def in_time(self, took: Micros, limit: Micros) -> Verdict:
        """A deadline: no tolerance. PASS is in time, FAIL late."""
        return self._reach(took, limit - self.uncertainty, limit + self.uncertainty)

    def fits(self, moment: Micros, end: Micros) -> Verdict:
        """Whether something due at the moment still fitted before `end`; T is not used."""
        return self._reach(moment, end - self.uncertainty, end + self.uncertainty)

    def _reach(self, value: Micros, surely: Micros, possibly: Micros) -> Verdict:
        if value < surely or (value == surely and not self.exclusive):
            return PASS
        if value > possibly or (value == possibly and self.exclusive):
            return FAIL
        return INCONCLUSIVE

"""How a measurement is taken: the best CPU time of several rounds, and a table of ratios."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`ours` and `limit` in seconds of CPU for the same work of `size` things."""

    what: str
    against: str
    size: int
    ours: float
    limit: float

    def text(self) -> str:
        rate = self.size / self.ours
        return f"{self.what:<44} {rate:>12,.0f}/s  {self.ours / self.limit:>7.1f} x  {self.against}"


@dataclass(frozen=True, slots=True)
class Absent:
    """A comparison that was not made, and why."""

    what: str
    against: str
    why: str

    def text(self) -> str:
        return f"{self.what:<44} {'-':>14}  {'-':>9}  {self.against}: {self.why}"


def best_cpu(work: Callable[[], object], rounds: int = 3) -> float:
    """Seconds of CPU of the fastest round: the one least disturbed by other work."""
    times = []
    for _ in range(rounds):
        before = time.process_time()
        work()
        times.append(time.process_time() - before)
    return min(times)

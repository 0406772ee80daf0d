"""The verdict lattice: a verdict only gets worse, and *not run* is not a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from bench.errors import ExitCode


class Verdict(IntEnum):
    """pass < inconclusive < fail < bench-error; the worst wins."""

    PASS = 0
    INCONCLUSIVE = 1
    FAIL = 2
    BENCH_ERROR = 3

    @property
    def label(self) -> str:
        return self.name.lower().replace("_", "-")

    @property
    def exit_code(self) -> ExitCode:
        return _EXIT[self]


_EXIT = {
    Verdict.PASS: ExitCode.PASS,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Verdict.FAIL: ExitCode.FAIL,
    Verdict.BENCH_ERROR: ExitCode.BENCH,
}


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The worst of the verdicts; None where nothing was judged."""
    return max(verdicts, default=None)

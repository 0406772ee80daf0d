"""Looking on at a run: what the runner tells whoever shows it (`bench.live`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from bench.mehrs.strategy import Strategy
from bench.result import StrategyRecord
from bench.trace import Event
from bench.units import Micros

WAS_NOT_RUN: Final = "not run"
"""In place of a verdict."""


class Watch(Protocol):
    """Called from the thread that runs the process, between its acts: it must be quick."""

    def begins(
        self,
        scenario: str,
        about: str,
        first_line: int,
        strategy: Strategy,
        record: StrategyRecord,
        tolerance: Micros,
    ) -> None:
        """A scenario begins; its first event will be line `first_line` of the trace."""

    def saw(self, event: Event) -> None: ...

    def waits(self, until: Micros, doing: str) -> None:
        """The process waits, at most until then; `doing` names the message it waits for, if any."""

    def ended(self, verdict: str) -> None: ...

    def closes(self, verdict: str, kit: str, stopped: str) -> None: ...

    def withdraws(self) -> None:
        """The run could not be taken up, and is as it was before."""


OpenWatch = Callable[[Path, str, int], Watch]
"""Given the run's folder, the suite's name and how many scenarios there are."""


class Unwatched:
    """A `Watch` where nobody looks on."""

    def begins(
        self,
        scenario: str,
        about: str,
        first_line: int,
        strategy: Strategy,
        record: StrategyRecord,
        tolerance: Micros,
    ) -> None: ...

    def saw(self, event: Event) -> None: ...

    def waits(self, until: Micros, doing: str) -> None: ...

    def ended(self, verdict: str) -> None: ...

    def closes(self, verdict: str, kit: str, stopped: str) -> None: ...

    def withdraws(self) -> None: ...

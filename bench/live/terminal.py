"""The terminal's view of a run: drawn in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TextIO

from bench.live.board import Looked
from bench.live.status import Status
from bench.live.words import headline, rows
from bench.units import SECOND, Micros

if TYPE_CHECKING:
    from rich.console import RenderableType

A_LINE_EVERY: Final = 10.0
"""Seconds of real time between two lines about the same step where there is no terminal."""

_STYLES: Final = {"failed": "bold red", "inconclusive": "yellow"}


@contextmanager
def live_terminal(out: TextIO, now: Callable[[], Micros]) -> Iterator[Looked]:
    """Shows each status that it is given, and counts down to the next attempt meanwhile.

    `now` is the run's clock. Whatever the terminal's size becomes, the next picture fits it. While
    a person is asked the picture makes room for the question.
    """
    from rich.console import Console
    from rich.live import Live

    console = Console(file=out)
    shown: list[Status] = []

    def picture() -> RenderableType:
        return drawn(shown[-1], now()) if shown else ""

    with Live(
        console=console,
        get_renderable=picture,
        refresh_per_second=2,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as live:

        def look(status: Status) -> None:
            shown[:] = [status]
            if status.question is not None:
                live.stop()
            elif not live.is_started:
                live.start(refresh=True)

        yield look


def drawn(status: Status, now: Micros) -> RenderableType:
    """The status as a block of lines, none wider than the terminal."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2), expand=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows(status, now):
        table.add_row(row.label, Text(row.text, style=_STYLES.get(row.mark, "")))
    findings = status.current.findings if status.current else ()
    lines = [Text(f"  {finding}", overflow="ellipsis", no_wrap=True) for finding in findings[:5]]
    if len(findings) > len(lines):
        lines.append(Text(f"  and {len(findings) - len(lines)} more", style="dim"))
    return Group(Text(headline(status), style="bold"), table, *lines)


class PlainLines:
    """A line for each step, for a log, and one for each long wait: no control characters, no flood.

    A line of an event may come before it is known what is waited for; the next one then says it.
    """

    def __init__(
        self,
        out: TextIO,
        now: Callable[[], Micros],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._out = out
        self._now = now
        self._monotonic = monotonic
        self._last = ""
        self._until: Micros | None = None
        self._at = float("-inf")

    def __call__(self, status: Status) -> None:
        told = {row.label: row.text for row in rows(status, self._now())}
        step = " | ".join(
            f"{label}: {told[label]}" for label in ("scenario", "step", "attempt") if label in told
        )
        current = status.current
        if current is None:
            return
        until = current.until if "next" in told else None
        if not self._is_news(step, until, current.doing):
            return
        self._last, self._until, self._at = step, until, self._monotonic()
        self._out.write(f"{step}\n" if until is None else f"{step} | next: {told['next']}\n")
        self._out.flush()

    def _is_news(self, step: str, until: Micros | None, doing: str) -> bool:
        if step == self._last and until in (None, self._until):
            return False
        asleep = until is not None and not doing  # nothing but time ends such a wait
        long = asleep and (until or 0) - self._now() >= A_LINE_EVERY * SECOND
        if step == self._last:
            return long or self._until is None
        new_scenario = step.split(" | ")[0] != self._last.split(" | ")[0]
        return new_scenario or long or self._monotonic() >= self._at + A_LINE_EVERY

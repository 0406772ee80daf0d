"""The terminal's view of a run: drawn in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TextIO

from bench.live.board import Looked
from bench.live.status import Status
from bench.live.words import headline, rows
from bench.units import Micros

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
    """One line for each step, for a log: no control characters, no flood."""

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
        self._at = float("-inf")

    def __call__(self, status: Status) -> None:
        told = {row.label: row.text for row in rows(status, self._now())}
        step = " | ".join(
            f"{label}: {told[label]}" for label in ("scenario", "step", "attempt") if label in told
        )
        if not step or step == self._last:
            return
        at = self._monotonic()
        new_scenario = told.get("scenario") != self._last.split(" | ")[0].removeprefix("scenario: ")
        if not new_scenario and at < self._at + A_LINE_EVERY:
            return
        self._last, self._at = step, at
        self._out.write(f"{step} | next: {told['next']}\n" if "next" in told else f"{step}\n")
        self._out.flush()

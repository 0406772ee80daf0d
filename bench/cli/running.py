"""What `run` and `resume` share: progress on a terminal, and what is told at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import INTERRUPTED
from bench.cli.accepting import all_accepted
from bench.clock import Cancellation, WallClock
from bench.errors import ExitCode
from bench.printable import printable

if TYPE_CHECKING:
    from bench.acceptance import Acceptance
    from bench.order import Order
    from bench.result import RunRecord
    from bench.watching import OpenWatch


def conclude(
    record: RunRecord,
    folder: Path,
    cancellation: Cancellation,
    *,
    as_json: bool,
    strict: bool,
    acceptance: Acceptance | None = None,
) -> None:
    """Writes the report, prints what came of the run, and exits.

    `strict`: an inconclusive certificate exits 3. An `acceptance` is strict too, but for what it
    accepts.
    """
    from bench.verdict import Verdict

    _report(record, folder, as_json=as_json)
    if cancellation.reason is not None:
        raise SystemExit(INTERRUPTED)
    code = record.worst.exit_code
    if acceptance is not None:
        from bench.acceptance import is_whole, undecided_in

        decided = all_accepted(acceptance, undecided_in(record)) and is_whole(record)
    else:
        decided = not strict or all(c.verdict == Verdict.PASS.label for c in record.certificates)
    if code is ExitCode.PASS and not decided:
        code = ExitCode.INCONCLUSIVE
    raise SystemExit(code)


@contextmanager
def told_if_stopped(cancellation: Cancellation, folder: Callable[[], Path]) -> Iterator[None]:
    """How the run in the block goes on, if it was stopped. To stand within what takes the signals:
    a further Ctrl-C may end the report, and the line is there.
    """
    yield
    if cancellation.reason is not None:
        place = printable(str(folder()))
        click.echo(f"stopped; go on with: smets1-bench resume {place}", err=True)


@contextmanager
def reported_if_interrupted(folder: Callable[[], Path], *, as_json: bool) -> Iterator[None]:
    """Where the run in the block loses a port, what there is until then is reported; the error
    goes on, and says how the run does.
    """
    from bench.runner import RunInterrupted

    try:
        yield
    except RunInterrupted as lost:
        _report(lost.record, folder(), as_json=as_json)
        raise


def _report(record: RunRecord, folder: Path, *, as_json: bool) -> None:
    from bench.report.render import render
    from bench.report.text import Terminal, report_text
    from bench.result import to_json

    render(folder)
    if as_json:
        click.echo(to_json(record), nl=False)
    else:
        text = report_text(record, Terminal.of(sys.stdout), str(folder / "report.html"))
        click.echo(text, nl=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """How a run is shown: what the runner is given."""

    order: Order
    progress: Callable[[int, int, str], None] | None
    watched: OpenWatch


@contextmanager
def shown(order: Order, *, quiet: bool, page: bool) -> Iterator[Shown]:
    """Shows the run on standard error and publishes it for `smets1-bench serve`.

    In real time a terminal sees the step, the next attempt and so on, a log a line for each step;
    in virtual time one line says which scenario runs. `page`: the live page may answer for the
    operator.
    """
    from bench.live.board import Board
    from bench.live.page_operator import PageOperator
    from bench.live.status import RUNNING, Status
    from bench.live.terminal import PlainLines, live_terminal
    from bench.operator_terminal import TerminalOperator
    from bench.station.form import ClockSource

    station, wall = order.station, WallClock()
    terminal = TerminalOperator(station.operator, sys.stdin, sys.stderr, os.environ)
    operator = PageOperator(terminal, wall.now, page=page)
    with ExitStack() as stack:
        progress, looked = None, None
        if not quiet:
            if station.clock_source is ClockSource.VIRTUAL:
                progress = stack.enter_context(_one_line())
            elif sys.stderr.isatty():
                looked = stack.enter_context(live_terminal(sys.stderr, wall.now))
            else:
                looked = PlainLines(sys.stderr, wall.now)

        def watched(folder: Path, suite: str, scenarios: int) -> Board:
            now = wall.now()
            clock = station.clock_source.value
            status = Status(RUNNING, suite, station.station, clock, order.seed, now, now, scenarios)
            board = Board(status, folder, looked=looked)
            operator.attend(folder, board)
            return board

        yield Shown(replace(order, operator=operator), progress, watched)


@contextmanager
def _one_line() -> Iterator[Callable[[int, int, str], None] | None]:
    """On a terminal: one line that says which scenario runs."""
    if not sys.stderr.isatty():
        yield None
        return

    def show(done: int, of: int, name: str) -> None:
        shown = printable(name)[:60]
        click.echo(f"\r\x1b[K[{done}/{of}] {shown}", nl=False, err=True)

    yield show
    click.echo("\r\x1b[K", nl=False, err=True)

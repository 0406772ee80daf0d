"""What `run` and `resume` share: progress on a terminal, and what is told at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import INTERRUPTED
from bench.clock import Cancellation
from bench.errors import ExitCode
from bench.printable import printable

if TYPE_CHECKING:
    from bench.result import RunRecord


def conclude(
    record: RunRecord, folder: Path, cancellation: Cancellation, *, as_json: bool, strict: bool
) -> None:
    """Writes the report, prints what came of the run, and exits."""
    from bench.report.render import render
    from bench.report.text import Terminal, report_text
    from bench.result import to_json
    from bench.verdict import Verdict

    render(folder)
    if as_json:
        click.echo(to_json(record), nl=False)
    else:
        text = report_text(record, Terminal.of(sys.stdout), str(folder / "report.html"))
        click.echo(text, nl=False)
    if cancellation.reason is not None:
        click.echo(f"stopped; go on with: smets1-bench resume {printable(str(folder))}", err=True)
        raise SystemExit(INTERRUPTED)
    code = record.worst.exit_code
    if strict and code is ExitCode.PASS:
        undecided = any(c.verdict != Verdict.PASS.label for c in record.certificates)
        code = ExitCode.INCONCLUSIVE if undecided else code
    raise SystemExit(code)


@contextmanager
def told_progress(*, quiet: bool) -> Iterator[Callable[[int, int, str], None] | None]:
    """On a terminal: one line that says which scenario runs."""
    if quiet or not sys.stderr.isatty():
        yield None
        return

    def show(done: int, of: int, name: str) -> None:
        shown = printable(name)[:60]
        click.echo(f"\r\x1b[K[{done}/{of}] {shown}", nl=False, err=True)

    yield show
    click.echo("\r\x1b[K", nl=False, err=True)

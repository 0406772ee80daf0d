"""`smets1-bench resume`: takes up a run that was stopped, and finishes it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.accepting import accept_option
from bench.cli.running import conclude, shown
from bench.cli.signals import cancelled_by_signals
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.acceptance import Acceptance


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--page", is_flag=True, help="Operator steps may be answered in `smets1-bench serve --control`."
)
@click.option("--strict", is_flag=True, help="Exit 3 where a certificate is inconclusive.")
@accept_option
@click.option("--json", "as_json", is_flag=True, help="Print result.json instead of the table.")
def resume(
    run: Path, page: bool, strict: bool, acceptance: Acceptance | None, as_json: bool
) -> None:
    """Takes up RUN, the folder of a run that Ctrl-C, a kill, a reboot or a full disk stopped.

    What was done is not done again: it is read from the journal. Every deadline stays what it was;
    what was due while the bench was down is inconclusive. An act that was interrupted is settled by
    asking. Exits as `run` does; 2 when the process, the suite, the strategy, the station or a
    device is not what it was, or the run has finished; 4 when the journal is damaged or another
    process is on the run.

    \b
    Example:
      smets1-bench resume runs/latest
    """
    from bench.journal.run_journal import taken_up
    from bench.runner import order_again, run_suite

    folder = Path(os.path.realpath(run))
    with taken_up(folder) as (ordered, journal):
        try:
            os.chdir(ordered.folder)  # names in files, and of files, are relative to it
        except OSError as error:
            raise UsageError(
                f"{ordered.folder}: the run was begun there: {error.strerror}",
                hint="put the folder back where it was",
            ) from None
        order = order_again(ordered)
        with (
            cancelled_by_signals() as cancellation,
            shown(order, quiet=as_json, page=page) as how,
        ):
            record = run_suite(
                how.order,
                folder,
                progress=how.progress,
                cancellation=cancellation,
                taken_up=journal,
                watched=how.watched,
            )
    conclude(record, folder, cancellation, as_json=as_json, strict=strict, acceptance=acceptance)

"""`smets1-bench resume`: takes up a run that was stopped, and finishes it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.accepting import accept_option
from bench.cli.running import conclude, reported_if_interrupted, shown, told_if_stopped
from bench.cli.signals import cancelled_by_signals
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.acceptance import Acceptance
    from bench.evidence.signing import Signer
    from bench.journal.run_head import Ordered


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Goes on signing checkpoints with the key that the run was begun with.",
)
@click.option("--unsigned", is_flag=True, help="Go on without signing what was begun with --key.")
@click.option(
    "--page", is_flag=True, help="Operator steps may be answered in `smets1-bench serve --control`."
)
@click.option("--strict", is_flag=True, help="Exit 3 where a certificate is inconclusive.")
@accept_option
@click.option("--json", "as_json", is_flag=True, help="Print result.json instead of the table.")
def resume(
    run: Path,
    key: Path | None,
    unsigned: bool,
    page: bool,
    strict: bool,
    acceptance: Acceptance | None,
    as_json: bool,
) -> None:
    """Takes up RUN, the folder of a run that Ctrl-C, a kill, a reboot or a full disk stopped.

    What was done is not done again: it is read from the journal. Every deadline stays what it was;
    what was due while the bench was down is inconclusive. An act that was interrupted is settled by
    asking. Exits as `run` does; 2 when the process, the suite, the strategy, the station or a
    device is not what it was, or the run has finished; 4 when the journal is damaged or another
    process is on the run.

    \b
    Examples:
      smets1-bench resume runs/latest
      smets1-bench resume runs/monday --key signing-key.pem   where `run` had --key
    """
    from bench.journal.run_journal import taken_up
    from bench.order import order_again
    from bench.runner import run_suite

    folder = Path(os.path.realpath(run))
    given = None if key is None else key.absolute()
    with taken_up(folder) as (ordered, journal):
        signer = None if unsigned else _signer(ordered, given)
        try:
            os.chdir(ordered.folder)  # names in files, and of files, are relative to it
        except OSError as error:
            raise UsageError(
                f"{ordered.folder}: the run was begun there: {error.strerror}",
                hint="put the folder back where it was",
            ) from None
        order = order_again(ordered, signer)
        with (
            reported_if_interrupted(lambda: folder, as_json=as_json),
            cancelled_by_signals() as cancellation,
            told_if_stopped(cancellation, lambda: folder),
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


def _signer(ordered: Ordered, key: Path | None) -> Signer | None:
    """What signs the rest of the run. `UsageError`: not the key that the run was begun with."""
    if key is None and not ordered.signed:
        return None
    if key is None:
        raise UsageError(
            f"the run signs its checkpoints with the key {ordered.signed}, and none is given",
            hint="add --key FILE; or --unsigned, and its pack proves less",
        )
    from bench.evidence.signing import read_private_key

    signer = read_private_key(key)
    if not ordered.signed:
        raise UsageError(
            f"{key}: the run was begun without --key, and is not signed from the middle on",
            hint="leave --key away; `pack --key` signs the whole",
        )
    if signer.key_id != ordered.signed:
        raise UsageError(
            f"{key}: expected the key {ordered.signed}, with which the run was begun, got "
            f"{signer.key_id}",
            hint="give that key; or --unsigned, and its pack proves less",
        )
    return signer

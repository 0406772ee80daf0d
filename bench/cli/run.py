"""`smets1-bench run`: runs a suite, prints what came of it, writes the report."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.accepting import accept_option
from bench.cli.running import conclude, reported_if_interrupted, shown, told_if_stopped
from bench.cli.signals import cancelled_by_signals
from bench.errors import BenchError, UsageError
from bench.printable import printable
from bench.units import Micros, parse_duration

if TYPE_CHECKING:
    from bench.acceptance import Acceptance


def _tolerance(context: click.Context, option: click.Parameter, text: str) -> Micros:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--tolerance: expected {error}, got '{text}'") from None


@click.command()
@click.argument("suite", default="default")
@click.option(
    "--scenario",
    "only",
    multiple=True,
    metavar="NAME",
    help="Only this scenario; may be given several times.",
)
@click.option(
    "--station",
    metavar="NAME|FILE",
    help="How the devices are reached: emulated-direct, emulated-emu, emulated-pty, or a .yaml "
    "file.",
)
@click.option("--seed", default=1, show_default=True, help="Replays a run to the byte.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder for trace, result and report; a new one under runs/ unless told.",
)
@click.option("--overwrite", is_flag=True, help="Write into DIR although it holds a run.")
@click.option("--mehrs", metavar="VERSION", help="Run every scenario under this MEHRS version.")
@click.option("--mam", metavar="VERSION", help="Run every scenario under this MAM version.")
@click.option(
    "--overlay",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Values from the documents your lab holds, each with its citation.",
)
@click.option(
    "--tolerance",
    default="60s",
    show_default=True,
    callback=_tolerance,
    help="How far off a wait may be. Make it shorter than the waits of an overlay for short runs.",
)
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Sign checkpoints with this Ed25519 key (PEM) while the run goes on (docs/pack.md).",
)
@click.option(
    "--page", is_flag=True, help="Operator steps may be answered in `smets1-bench serve --control`."
)
@click.option("--yes", is_flag=True, help="Do not ask before what cannot be undone on real kit.")
@click.option("--strict", is_flag=True, help="Exit 3 where a certificate is inconclusive.")
@accept_option
@click.option("--json", "as_json", is_flag=True, help="Print result.json instead of the table.")
def run(
    suite: str,
    only: tuple[str, ...],
    station: str | None,
    seed: int,
    out: Path | None,
    overwrite: bool,
    mehrs: str | None,
    mam: str | None,
    overlay: Path | None,
    tolerance: Micros,
    key: Path | None,
    page: bool,
    yes: bool,
    strict: bool,
    acceptance: Acceptance | None,
    as_json: bool,
) -> None:
    """Runs SUITE (a shipped one by name, or a .yaml file) on a station.

    Without SUITE the default one is run, without --station on emulated devices. Exits 0 when every
    scenario met its expectations. What passed on each line is kept in DIR/captures.

    \b
    Examples:
      smets1-bench run
      smets1-bench run my-suite.yaml --out runs/monday --seed 7
      smets1-bench run --scenario da-commissioned
      smets1-bench run --station emulated-emu   the same through the drivers, byte by byte
      smets1-bench run my-suite.yaml --station my-bench.yaml   on the kit of a bench
    """
    from bench.order import Order
    from bench.runner import run_suite
    from bench.shipped import find
    from bench.station import read_station
    from bench.suite_reading import Forced

    place = cache(_new_folder) if out is None else cache(lambda: given_folder(out, overwrite))
    forced = Forced(mehrs, mam, overlay)
    order = Order(
        find("suites", suite), printable(suite), seed, only, forced, tolerance=tolerance, yes=yes
    )
    if station is not None:
        held = read_station(find("stations", station))
        order = replace(order, station=held, station_named=station)
    if key is not None:
        from bench.evidence.signing import read_private_key

        order = replace(order, signer=read_private_key(key))
    with (
        reported_if_interrupted(place, as_json=as_json),
        cancelled_by_signals() as cancellation,
        told_if_stopped(cancellation, place),
        shown(order, quiet=as_json, page=page) as how,
    ):
        record = run_suite(
            how.order,
            place,
            progress=how.progress,
            cancellation=cancellation,
            watched=how.watched,
        )
    conclude(record, place(), cancellation, as_json=as_json, strict=strict, acceptance=acceptance)


def _new_folder() -> Path:
    """`runs/<now>`, with `runs/latest` pointing to it: a run never writes over an earlier one."""
    runs = Path("runs")
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    try:
        runs.mkdir(exist_ok=True)
        for attempt in itertools.count():
            folder = runs / (stamp if not attempt else f"{stamp}-{attempt}")
            try:
                folder.mkdir()
                break
            except FileExistsError:
                continue
        latest = runs / "latest"
        if latest.is_symlink() or not latest.exists():
            latest.unlink(missing_ok=True)
            latest.symlink_to(folder.name)
    except OSError as error:
        raise BenchError(
            f"{runs}: cannot be written: {error.strerror}",
            hint="name a folder that can be written with --out DIR",
        ) from None
    return folder


OUTPUTS = ("trace.jsonl", "result.json", "report.html", "junit.xml", "mrr6.csv")


def given_folder(
    folder: Path, overwrite: bool, hint: str = "name another folder, or add --overwrite"
) -> Path:
    """One in which a run may begin. Raises `UsageError` where another's results are in it."""
    try:
        there = [name for name in OUTPUTS if (folder / name).exists()]
    except OSError as error:
        raise BenchError(
            f"{folder}: cannot be written: {error.strerror}",
            hint="name a folder that can be written with --out DIR",
        ) from None
    if there and not overwrite:
        what = "a run" if "result.json" in there else there[0]
        raise UsageError(f"{folder}: holds {what} already", hint=hint)
    return folder

"""`smets1-bench farm`: one suite on many stations at once, one report."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import INTERRUPTED
from bench.cli.signals import cancelled_by_signals
from bench.errors import BenchError, UsageError
from bench.printable import printable

if TYPE_CHECKING:
    from bench.farm.record import FarmRecord


@click.command(
    epilog="Exit codes: that of the worst station: 0 pass, 1 fail, 3 inconclusive, 4 bench fault "
    "or no result; 2 usage, 130 interrupted."
)
@click.argument("suite", default="default")
@click.option(
    "--station",
    "stations",
    multiple=True,
    metavar="NAME|FILE",
    help="A station; given once for each.",
)
@click.option("--at-once", type=click.IntRange(1), metavar="N", help="All at once unless told.")
@click.option(
    "--scenario", "only", multiple=True, metavar="NAME", help="Only this one; repeatable."
)
@click.option("--seed", default=1, show_default=True, help="Of every station's run.")
@click.option("--mehrs", metavar="VERSION", help="As for `run`.")
@click.option("--mam", metavar="VERSION", help="As for `run`.")
@click.option("--overlay", type=click.Path(path_type=Path), metavar="FILE", help="As for `run`.")
@click.option("--tolerance", metavar="SPAN", help="As for `run`.")
@click.option("--page", is_flag=True, help="As for `run`: nobody else can answer for the operator.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="An empty or new folder; runs/farm-… unless told.",
)
@click.option(
    "--merge",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Run nothing; merge what DIR's stations hold now, after some were resumed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print farm.json instead of the table.")
def farm(
    suite: str,
    stations: tuple[str, ...],
    at_once: int | None,
    only: tuple[str, ...],
    seed: int,
    mehrs: str | None,
    mam: str | None,
    overlay: Path | None,
    tolerance: str | None,
    page: bool,
    out: Path | None,
    merge: Path | None,
    as_json: bool,
) -> None:
    """Runs SUITE on every --station, each in a process of its own, and merges what they found.

    One that fails does not stop the others. DIR/STATION is the folder of each station's run, as
    `run` makes it; DIR/farm.html, farm.json and junit.xml are about all of them. Ctrl-C stops every
    run as it stops one: kit is left safe, and each can be resumed.

    \b
    Examples:
      smets1-bench farm my-suite.yaml --station rack-1.yaml --station rack-2.yaml
      smets1-bench farm --station emulated-direct --station emulated-emu --at-once 2
      smets1-bench farm --merge runs/farm-2026-11-22T090000Z
    """
    from bench.farm.merging import merged_again, write
    from bench.farm.plan import make_folder, plan
    from bench.farm.record import FarmRecord, StationRecord, station_record
    from bench.farm.running import Runs
    from bench.farm.text import station_line
    from bench.report.text import Terminal
    from bench.tool_identity import tool_version

    if merge is not None:
        if stations or out is not None:
            raise UsageError("--merge runs nothing: expected no --station and no --out with it")
        record = merged_again(merge)
        write(record, merge)
        _show(record, merge, as_json=as_json)
        raise SystemExit(record.worst.exit_code)
    if not stations:
        raise UsageError("farm: expected at least one --station")
    words = [printable(suite), "--seed", str(seed)]
    for option, value in (
        *(("--scenario", name) for name in only),
        ("--mehrs", mehrs),
        ("--mam", mam),
        ("--overlay", overlay),
        ("--tolerance", tolerance),
    ):
        words += [] if value is None else [option, str(value)]
    _refuse_what_run_refuses(words)
    planned = plan(stations, at_once=at_once or len(stations))
    folder = out or Path("runs") / f"farm-{datetime.now(UTC).strftime('%Y-%m-%dT%H%M%SZ')}"
    try:
        make_folder(folder)
    except OSError as error:
        raise BenchError(
            f"{folder}: cannot be written: {error.strerror}",
            hint="name a folder that can be written with --out DIR",
        ) from None
    terminal = Terminal.of(sys.stderr)
    done: dict[str, StationRecord] = {}

    def merged() -> FarmRecord:
        ended = tuple(done[each.name] for each in planned if each.name in done)
        return FarmRecord(printable(suite), seed, tool_version(), planned, ended)

    with cancelled_by_signals() as cancellation:
        runs = Runs(folder, [*words, "--page"] if page else words, cancellation)
        write(merged(), folder)
        click.echo(f"watch: smets1-bench serve {printable(str(folder))}", err=True)
        for station, end in runs.ended(planned, at_once=at_once or len(planned)):
            done[station.name] = station_record(folder, station, end)
            click.echo(station_line(done[station.name], terminal), err=True)
            write(merged(), folder)  # what is done is there, whatever comes
    record = merged()
    _show(record, folder, as_json=as_json)
    raise SystemExit(INTERRUPTED if cancellation.reason is not None else record.worst.exit_code)


def _refuse_what_run_refuses(words: list[str]) -> None:
    """The command line that every station's run will have, and the suite, before any is begun."""
    from bench.cli.run import run
    from bench.shipped import find
    from bench.suite_reading import Forced, read_suite

    with run.make_context("run", list(words)) as context:
        given = context.params
        forced = Forced(given["mehrs"], given["mam"], given["overlay"])
        read_suite(find("suites", given["suite"]), forced, given["only"])


def _show(record: FarmRecord, folder: Path, *, as_json: bool) -> None:
    from bench.farm.merging import PAGE
    from bench.farm.record import to_json
    from bench.farm.text import farm_text
    from bench.report.text import Terminal

    if as_json:
        click.echo(to_json(record), nl=False)
    else:
        click.echo(farm_text(record, Terminal.of(sys.stdout), str(folder / PAGE)), nl=False)

"""`smets1-bench faults`: runs through everything that can go wrong, and judges every end."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from bench.cli import INTERRUPTED
from bench.cli.signals import ended_as_by_ctrl_c
from bench.errors import BenchError, ExitCode, UsageError

if TYPE_CHECKING:
    from bench.grid.working import Progress

GROUPS = ("IOC", "MDS", "DA", "EA")
PARTS = ("singles", "pairs", "schedules", "acts")
HTML = "faults.html"
RESULT = "result.json"


@click.command()
@click.option("--group", "groups", multiple=True, type=click.Choice(GROUPS), help="Only this one.")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part.")
@click.option("--fault", default="", metavar="NAME", help="Only this fault, alone and in pairs.")
@click.option(
    "--sample", type=click.IntRange(1), metavar="N", help="N cells of each part and installation."
)
@click.option("--seed", default=1, show_default=True, help="Of samples and of pairs.")
@click.option(
    "--fates",
    default=3,
    show_default=True,
    type=click.IntRange(1, 4),
    help="Message fates in a schedule.",
)
@click.option(
    "--workers", type=click.IntRange(1, 256), metavar="N", help="Processes; one per core."
)
@click.option(
    "--via",
    type=click.Choice(("direct:", "emu:")),
    default="direct:",
    show_default=True,
    help="How devices are reached: as models, or through the drivers in octets.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder for grid.json and faults.html; a new one under runs/ unless told. In a run's "
    "folder its report gets the heat map too.",
)
@click.option("--cell", metavar="ID", help="Run this one cell and tell its story.")
@click.option("--json", "as_json", is_flag=True, help="Print grid.json instead of the counts.")
@click.pass_context
def faults(
    context: click.Context,
    groups: tuple[str, ...],
    parts: tuple[str, ...],
    fault: str,
    sample: int | None,
    seed: int,
    fates: int,
    workers: int | None,
    via: str,
    out: Path | None,
    cell: str | None,
    as_json: bool,
) -> None:
    """Runs every fault at every step and request, and every schedule of message fates.

    Each end is judged by the emulator's truth: the old operator with the old keys, the new one
    with the new keys, or parked with an incident. Anything else is red.

    singles: every fault at every step boundary and every request, in every group. pairs: seeded
    pairs of them. schedules: group DA's key rotation under every schedule of up to --fates of six
    message fates. acts: the same over a hub's reboot, a display's join, a meter's clock. Ctrl-C
    keeps what is done.

    Exits 0 when nothing was red, 1 when something was, 2 for a wrong cell or option, 130 when it
    was interrupted.

    \b
    Examples:
      smets1-bench faults --sample 200
      smets1-bench faults --part schedules --out runs/schedules
      smets1-bench faults --group DA --fault power-cut
      smets1-bench faults --sample 50 --out runs/latest     into the report of that run
      smets1-bench faults --cell da-dual-fuel/keys/r2=reply-lost
    """
    if cell is not None:
        _require_alone(context)
        raise SystemExit(_tell(cell, via))
    from bench.grid.plan import Order, Part, plan
    from bench.grid.record import grid_json
    from bench.grid.wording import grid_text
    from bench.grid.working import work_through
    from bench.parties import Group
    from bench.report.files import write_file
    from bench.report.grid_record import GRID, fault_grid
    from bench.report.heat_map import grid_page
    from bench.report.render import HTML as REPORT
    from bench.report.render import render

    _known(fault)
    order = Order(
        tuple(Group(group) for group in groups) or tuple(Group),
        tuple(Part(part) for part in parts) or tuple(Part),
        fault,
        sample,
        seed,
        via,
        fates,
    )
    folder = _folder(out)
    made = plan(order)
    if not made.tasks:
        raise UsageError(
            "there is nothing to run: no part and group that was chosen holds such a cell",
            hint="schedules belong to group DA, and hold no --fault",
        )
    processes = workers or os.cpu_count() or 1
    with _progress(quiet=as_json) as show, ended_as_by_ctrl_c():
        grid = work_through(made, processes, show)
    record = grid_json(order, grid, processes)
    write_file(folder / GRID, record)
    write_file(folder / HTML, grid_page("Faults", fault_grid(json.loads(record))))
    page = folder / HTML
    if (folder / RESULT).exists():
        render(folder)
        page = folder / REPORT
    if as_json:
        click.echo(record, nl=False)
    else:
        click.echo(grid_text(grid, via), nl=False)
        click.echo(f"heat map: {page}")
    if not grid.complete:
        raise SystemExit(INTERRUPTED)
    raise SystemExit(ExitCode.FAIL if grid.red else ExitCode.PASS)


def _require_alone(context: click.Context) -> None:
    """A cell is one run, of which all is said in its name but how its devices are reached."""
    given = [
        option.opts[0]
        for option in context.command.params
        if option.name not in ("cell", "via")
        and context.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE
    ]
    if given:
        raise UsageError(
            f"--cell: expected no other option than --via, got {', '.join(given)}",
            hint="a cell is one run, whose story is told in text",
        )


def _tell(name: str, via: str) -> ExitCode:
    from bench.grid.cell import read_cell
    from bench.grid.trial import require_reached, run_cell
    from bench.grid.wording import story_of

    trial = run_cell(read_cell(name), via=via)
    require_reached(trial, via)
    click.echo(story_of(trial), nl=False)
    return ExitCode.FAIL if trial.ended.end.red else ExitCode.PASS


def _known(fault: str) -> None:
    from bench.grid.singles import catalogue
    from bench.spelling import did_you_mean

    if fault and fault not in catalogue():
        near = did_you_mean(fault, catalogue())
        raise UsageError(
            f"--fault: no fault is called '{fault}'{near}",
            hint="smets1-bench list faults names them all",
        )


def _folder(out: Path | None) -> Path:
    """Made before anything is run, so that a run does not end with nowhere to go."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    folder = Path("runs") / f"faults-{stamp}" if out is None else out
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(
            f"{folder}: cannot be written: {error.strerror}",
            hint="name a folder that can be written with --out DIR",
        ) from None
    return folder


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """On a terminal: one line with the rate and the time left."""
    from bench.grid.wording import progress_text

    if quiet or not sys.stderr.isatty():
        yield None
        return
    yield lambda progress: click.echo(f"\r\x1b[K{progress_text(progress)}", nl=False, err=True)
    click.echo("\r\x1b[K", nl=False, err=True)

"""`smets1-bench campaign`: migrates a population of emulated installations, and counts."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from bench.cli import INTERRUPTED
from bench.cli.signals import ended_as_by_ctrl_c
from bench.cli.strategy_options import chosen_strategy, strategy_options
from bench.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from bench.campaign.engine import Engine
    from bench.campaign.working import Campaign, Order, Progress


@click.command()
@click.option(
    "--installations",
    "-n",
    default=10_000,
    show_default=True,
    type=click.IntRange(1, 10_000_000),
    metavar="N",
    help="How many.",
)
@click.option(
    "--mix",
    default="national",
    show_default=True,
    metavar="NAME|FILE",
    help="What the population is made of: a shipped mix, or a .yaml file (docs/campaign.md).",
)
@click.option("--seed", default=1, show_default=True, help="Draws the same population again.")
@click.option(
    "--workers", type=click.IntRange(1, 256), metavar="K", help="Processes; one for each core."
)
@click.option("--dask", default="", metavar="ADDRESS", help="A Dask scheduler: tcp://host:8786.")
@strategy_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder for campaign.json and campaign.html; a new one under runs/ unless told.",
)
@click.option("--parquet", is_flag=True, help="Keep every trace, as Parquet in DIR/traces.")
@click.option("--resume", is_flag=True, help="Go on with the campaign that was stopped in DIR.")
@click.option(
    "--compare",
    nargs=2,
    metavar="A B",
    help="Two campaigns side by side: MEHRS versions or mixes.",
)
@click.option(
    "--only",
    type=click.IntRange(0, 9_999_999),
    metavar="NUMBER",
    help="Run this one installation alone, in full detail.",
)
@click.option("--json", "as_json", is_flag=True, help="Print campaign.json instead of the counts.")
@click.pass_context
def campaign(
    context: click.Context,
    installations: int,
    mix: str,
    seed: int,
    workers: int | None,
    dask: str,
    mehrs: str | None,
    as_of: str | None,
    mam: str | None,
    overlay: Path | None,
    out: Path | None,
    parquet: bool,
    resume: bool,
    compare: tuple[str, str] | None,
    only: int | None,
    as_json: bool,
) -> None:
    """Migrates a population of emulated installations through the process, judges each by the
    checker, and counts.

    The population is drawn from the mix and the seed; neither the number of workers nor a stop in
    between shows in the result. Ctrl-C keeps what is done; --resume goes on.

    Exits 0 when no rule was failed, 1 when one was, 4 when the bench itself failed on an
    installation, 130 when it was interrupted; with --only as `run` does.

    \b
    Examples:
      smets1-bench campaign --installations 20000
      smets1-bench campaign --mix my-mix.yaml --seed 7 --out runs/spring --parquet
      smets1-bench campaign --out runs/spring --mix my-mix.yaml --seed 7 --resume
      smets1-bench campaign --compare 5.0-draft 5.0
      smets1-bench campaign --only 143
    """
    from bench.campaign.engine import engine_for
    from bench.campaign.mix_reading import read_mix
    from bench.campaign.working import Order
    from bench.order import TOLERANCE
    from bench.shipped import find

    _require_sense(context)
    if parquet:
        from bench.large_checks.extra import scale_library

        scale_library("pyarrow")
    strategy = chosen_strategy(mehrs, as_of, mam, overlay)
    order = Order(
        mix,
        read_mix(find("mixes", mix)),
        strategy,
        TOLERANCE,
        seed,
        installations,
        parquet=parquet,
        overlay="" if overlay is None else str(overlay),
    )
    if only is not None:
        _run_alone(order, only, out, as_json=as_json)
    engine = engine_for(workers or os.cpu_count() or 1, dask)
    if compare:
        one, other = (_side(order, name, mam, overlay) for name in compare)
        _compare(
            {compare[0]: one, compare[1]: other}, engine, out or _new_folder(), resume, as_json
        )
    folder = out or _new_folder()
    found = _campaign(order, engine, folder, resume, as_json)
    if as_json:
        from bench.campaign.record import record_json

        click.echo(record_json(found), nl=False)
    else:
        from bench.campaign.page import PAGE
        from bench.campaign.text import campaign_text

        click.echo(campaign_text(found), nl=False)
        click.echo(f"report: {folder / PAGE}")
    raise SystemExit(_exit_code([found], folder))


def _require_sense(context: click.Context) -> None:
    """Options that contradict each other, or say nothing together, are refused, all at once."""
    given = {
        str(option.name): option.opts[0]
        for option in context.command.params
        if context.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE
    }
    compare, only = context.params["compare"], context.params["only"]
    installations = context.params["installations"]
    problems = []
    if "resume" in given and "out" not in given:
        problems.append("--resume: expected --out DIR, the folder of the campaign that was stopped")
    if "resume" in given and "only" in given:
        problems.append("--resume and --only: one installation is never half done")
    if "dask" in given and "workers" in given:
        problems.append("--dask and --workers: the cluster has workers of its own")
    if "only" in given and "compare" in given:
        problems.append("--compare and --only: expected one of them")
    if "only" in given and "parquet" in given:
        problems.append("--parquet and --only: the trace of one installation is JSON lines")
    if only is not None and "installations" in given and only >= installations:
        several = f"0 to {installations - 1} of {installations} installations"
        problems.append(f"--only: expected {several}, got {only}")
    if compare is not None:
        problems += _incomparable(compare, given)
    if problems:
        raise UsageError(problems)


def _incomparable(sides: tuple[str, str], given: Mapping[str, str]) -> Iterator[str]:
    if sides[0] == sides[1]:
        yield f"--compare: expected two different ones, got '{sides[0]}' twice"
    kinds = [_kind(name) for name in sides]
    if set(kinds) == {"version", "mix"}:
        yield "--compare: expected two MEHRS versions or two mixes, got one of each"
    elif "version" in kinds:
        for name in ("mehrs", "as_of"):
            if name in given:
                yield f"--compare and {given[name]}: the versions are those that are compared"
    elif "mix" in kinds and "mix" in given:
        yield "--compare and --mix: the mixes are those that are compared"


def _kind(compared: str) -> str:
    """`version`, `mix`, or empty where it is neither."""
    from bench.mehrs.versions import versions
    from bench.shipped import names

    if compared in versions():
        return "version"
    is_mix = compared in names("mixes") or compared.endswith((".yaml", ".yml"))
    return "mix" if is_mix else ""


def _campaign(order: Order, engine: Engine, folder: Path, resume: bool, quiet: bool) -> Campaign:
    """Works through it and writes record and page."""
    from bench.campaign.mix_reading import require_in_time
    from bench.campaign.page import PAGE, campaign_page
    from bench.campaign.record import RECORD, record_json
    from bench.campaign.shards_file import holds_shards
    from bench.campaign.working import work_through
    from bench.report.files import write_file

    require_in_time(order.mix.mix, order.installations)
    if not resume and holds_shards(folder):
        raise UsageError(
            f"{folder}: holds a campaign already",
            hint="name another folder, or go on with it: --resume",
        )
    with _progress(quiet=quiet) as show, ended_as_by_ctrl_c():
        found = work_through(order, engine, folder, resume=resume, show=show)
    write_file(folder / RECORD, record_json(found))
    write_file(folder / PAGE, campaign_page(found))
    return found


def _side(order: Order, name: str, mam: str | None, overlay: Path | None) -> Order:
    """The order with one of the two things compared in its place."""
    from bench.campaign.mix_reading import read_mix
    from bench.mehrs.versions import versions
    from bench.shipped import find, names
    from bench.spelling import did_you_mean

    kind = _kind(name)
    if kind == "version":
        return replace(order, strategy=chosen_strategy(name, None, mam, overlay))
    if kind == "mix":
        return replace(order, named=name, mix=read_mix(find("mixes", name)))
    known = [*versions(), *names("mixes")]
    near = did_you_mean(name, known) or f"; there are {', '.join(known)}"
    raise UsageError(f"--compare: expected a MEHRS version or a mix, got '{name}'{near}")


def _compare(
    orders: dict[str, Order], engine: Engine, folder: Path, resume: bool, as_json: bool
) -> None:
    from bench.campaign.comparing import (
        COMPARED,
        COMPARED_PAGE,
        compared_json,
        compared_page,
        compared_text,
    )
    from bench.campaign.shards_file import SHARDS
    from bench.report.files import write_file

    found: dict[str, Campaign] = {}
    for side, (name, order) in zip(("a", "b"), orders.items(), strict=True):
        begun = resume and (folder / side / SHARDS).exists()
        found[name] = _campaign(order, engine, folder / side, begun, as_json)
        if not found[name].complete:
            raise SystemExit(_exit_code([found[name]], folder))
    record = compared_json(found)
    write_file(folder / COMPARED, record)
    write_file(folder / COMPARED_PAGE, compared_page(found))
    if as_json:
        click.echo(record, nl=False)
    else:
        click.echo(compared_text(found), nl=False)
        click.echo(f"report: {folder / COMPARED_PAGE}")
    raise SystemExit(_exit_code(list(found.values()), folder))


def _run_alone(order: Order, number: int, out: Path | None, *, as_json: bool) -> None:
    from bench.campaign.mix_reading import require_in_time
    from bench.campaign.one_alone import write_suite
    from bench.cli.run import given_folder
    from bench.cli.running import conclude, shown, told_if_stopped
    from bench.cli.signals import cancelled_by_signals
    from bench.order import Order as RunOrder
    from bench.runner import run_suite

    require_in_time(order.mix.mix, number + 1)
    folder = out or _new_folder()
    given_folder(folder, overwrite=False, hint="name another folder with --out")
    suite = write_suite(order, number, folder)
    alone = RunOrder(suite, str(suite), order.seed)
    with (
        cancelled_by_signals() as cancellation,
        told_if_stopped(cancellation, lambda: folder),
        shown(alone, quiet=as_json, page=False) as how,
    ):
        record = run_suite(
            how.order,
            folder,
            progress=how.progress,
            cancellation=cancellation,
            watched=how.watched,
        )
    conclude(record, folder, cancellation, as_json=as_json, strict=False)


def _exit_code(campaigns: list[Campaign], folder: Path) -> int:
    from bench.campaign.playing import BENCH_ERROR
    from bench.campaign.record import verdict_counts

    if not all(found.complete for found in campaigns):
        again = ["smets1-bench", *_as_typed(folder)]
        click.echo(f"stopped; go on with: {shlex.join(again)}", err=True)
        return INTERRUPTED
    if any(found.tally.totals[BENCH_ERROR] for found in campaigns):
        return ExitCode.BENCH
    failed = sum(verdict_counts(found.tally, "failed") for found in campaigns)
    return ExitCode.FAIL if failed else ExitCode.PASS


def _as_typed(folder: Path) -> list[str]:
    """The command as it was given, to go on with it."""
    words = list(sys.argv[1:])
    if "--out" not in words and not any(word.startswith("--out=") for word in words):
        words += ["--out", str(folder)]
    return words if "--resume" in words else [*words, "--resume"]


def _new_folder() -> Path:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    return Path("runs") / f"campaign-{stamp}"


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """On a terminal: one line with how far it is, how fast, and how long it will take."""
    if quiet or not sys.stderr.isatty():
        yield None
        return

    def show(progress: Progress) -> None:
        left = "" if progress.left is None else f", {progress.left:,.0f} s left"
        text = f"{progress.done:,} of {progress.of:,} installations, {progress.rate:,.0f}/s{left}"
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)

    yield show
    click.echo("\r\x1b[K", nl=False, err=True)

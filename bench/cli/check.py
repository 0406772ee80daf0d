"""`smets1-bench check`: judges a trace, whoever wrote it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bench.cli.accepting import accept_option, all_accepted
from bench.cli.signals import ended_as_by_ctrl_c
from bench.cli.strategy_options import chosen_strategy, strategy_options
from bench.errors import ExitCode, UsageError
from bench.large_checks.inputs import open_trace, trace_files
from bench.large_checks.means import means_for
from bench.trace import Event
from bench.trace_reading import (
    Complaints,
    FaultyLine,
    Places,
    Reading,
    TraceSource,
    Where,
    read_rows,
)
from bench.units import Micros, parse_duration
from bench.verdict import Verdict

if TYPE_CHECKING:
    from bench.acceptance import Acceptance
    from bench.conformance.finding import Judgement
    from bench.mehrs.strategy import Strategy

_QUIET_FOR: Final = 1.0
"""Seconds without a progress line."""


def _tolerance(context: click.Context, option: click.Parameter, text: str) -> Micros:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(f"expected {error}, got {text!r}") from None


_FOREIGN: Final = (".csv", ".tsv", ".json", ".log")
"""What no trace is called, but logs of other systems are."""

_SIZES: Final = {"MiB": 1024**2, "GiB": 1024**3}


def _memory(context: click.Context, option: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    number, unit = text[:-3], text[-3:]
    if unit not in _SIZES or not (number.isascii() and number.isdigit()) or not int(number):
        raise click.BadParameter(f"expected a size such as 512MiB or 2GiB, got {text!r}")
    return int(number) * _SIZES[unit]


@click.command()
@click.argument("traces", nargs=-1, required=True, metavar="TRACE...")
@strategy_options
@click.option(
    "--tolerance",
    default="60s",
    show_default=True,
    metavar="DURATION",
    callback=_tolerance,
    help="How far a wait may be from what the strategy says: 90s, 5min.",
)
@click.option("--sort", "sort", is_flag=True, help="Sort the events by time first.")
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Processes that judge. Default: one, or all cores where the trace is large.",
)
@click.option(
    "--memory",
    metavar="SIZE",
    callback=_memory,
    help="What sorting a large trace may take, as 512MiB or 2GiB (the default).",
)
@click.option(
    "--map",
    "map_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The files are logs of another system, CSV or JSON, that this map explains.",
)
@accept_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@click.pass_context
def check(
    context: click.Context,
    traces: tuple[str, ...],
    mehrs: str | None,
    as_of: str | None,
    mam: str | None,
    overlay: Path | None,
    tolerance: Micros,
    sort: bool,
    workers: int | None,
    memory: int | None,
    map_file: Path | None,
    acceptance: Acceptance | None,
    as_json: bool,
) -> None:
    """Judges traces by the rules of a strategy: JSON lines (.jsonl) or Parquet (.parquet).

    Several files are one trace, in the order given; a folder or a quoted pattern stands for the
    traces in it, by name; - is standard input (JSON lines).

    Exits 0 if everything exercised passed, 1 if a rule failed, 3 if none failed but something is
    inconclusive or nothing was exercised, 2 if the input or the usage is wrong.

    \b
    Examples:
      smets1-bench check trace.jsonl
      smets1-bench check --mehrs 5.0-draft --tolerance 2min monday.jsonl tuesday.jsonl
      smets1-bench check --overlay lab-copy.yaml --json - < trace.jsonl
      smets1-bench check --workers 8 --memory 4GiB archive/2021
      smets1-bench check --map head-end.yaml export.csv
      smets1-bench check --accept-inconclusive accepted.yaml trace.jsonl
    """
    if traces.count("-") > 1:
        raise UsageError("expected standard input (-) once at most")
    strategy = chosen_strategy(mehrs, as_of, mam, overlay)
    reading = Reading()
    left_out = "empty line"
    if map_file is not None:
        if workers is not None or memory is not None:
            raise UsageError("expected no --workers and no --memory with --map")
        if "-" in traces:
            raise UsageError("expected files with --map, got standard input (-)")
        from bench.foreign_logs.log_map import read_map
        from bench.foreign_logs.mapped_log import MappedLog

        opening = partial(MappedLog, log_map=read_map(map_file))
        judgement = judge_files(
            traces, strategy, tolerance, sort=sort, reading=reading, opening=opening
        )
        left_out = "record"
    else:
        try:
            judgement = _judge_traces(traces, strategy, tolerance, sort, workers, memory, reading)
        except UsageError as error:
            if not error.hint and any(name.lower().endswith(_FOREIGN) for name in traces):
                error.hint = "a log of another system is read with a map: --map FILE"
            raise
    if as_json:
        click.echo(json.dumps(judgement.as_json()))
    else:
        from bench.conformance.report_text import as_text
        from bench.conformance.wording import times

        count = reading.empty_lines
        click.echo(as_text(judgement, f"{times(count, left_out)} skipped" if count else ""))
    context.exit(int(_exit_code(judgement, acceptance)))


def _exit_code(judgement: Judgement, acceptance: Acceptance | None) -> ExitCode:
    """That of the verdict, but pass where all that is inconclusive was accepted."""
    if acceptance is None:
        return judgement.exit_code
    from bench.acceptance import INCONCLUSIVE, Undecided

    undecided = [
        Undecided(rule, INCONCLUSIVE)
        for rule, count in judgement.rules.items()
        if count.inconclusive
    ]
    accepted = all_accepted(acceptance, undecided)
    inconclusive = judgement.verdict is Verdict.INCONCLUSIVE
    return ExitCode.PASS if inconclusive and accepted else judgement.exit_code


def _judge_traces(
    traces: Sequence[str],
    strategy: Strategy,
    tolerance: Micros,
    sort: bool,
    workers: int | None,
    memory: int | None,
    reading: Reading,
) -> Judgement:
    """In several processes where that is asked for or worth it, else in one pass here."""
    files = trace_files(traces)
    means = means_for(files, workers, memory)
    if means is not None:
        from bench.large_checks.whole import judge_large

        told = _Bar() if sys.stderr.isatty() else _no_bar
        with ended_as_by_ctrl_c():
            judgement = judge_large(
                files, strategy, tolerance, means, sort=sort, reading=reading, told=told
            )
        if judgement is not None:
            return judgement
        reading.lines = reading.empty_lines = 0
    return judge_files(files, strategy, tolerance, sort=sort, reading=reading)


def judge_files(
    traces: Iterable[str],
    strategy: Strategy,
    tolerance: Micros,
    *,
    sort: bool = False,
    reading: Reading | None = None,
    opening: Callable[[str, Places], TraceSource] = open_trace,
) -> Judgement:
    """Judges files as one trace in one pass. Raises UsageError with every error that is listed."""
    from bench.conformance.checker import Checker
    from bench.conformance.memory import rare_collections

    places = Places()
    complaints = Complaints(places)
    # Sorted, an event is known by its rank, so that findings stand in the order of the trace.
    ranked: list[Where] = []
    checker = Checker(
        strategy, tolerance, (lambda rank: places.text(ranked[rank])) if sort else places.text
    )
    rows: Iterable[_Row] = _with_progress(
        read_rows(
            tuple(traces),
            places,
            complaints,
            reading=reading,
            on_faulty=checker.shake,
            opening=opening,
        )
    )
    if sort:
        in_order = sorted(rows, key=_at)
        ranked.extend(where for where, *_ in in_order)
        rows = ((rank, at, name, said) for rank, (_, at, name, said) in enumerate(in_order))
    with rare_collections():
        take = checker.take
        for where, at, installation, said in rows:
            try:
                take(at, installation, said, where)
            except FaultyLine as fault:
                complaints.add(ranked[where] if sort else where, fault.faults)
        complaints.raise_if_any()
        return checker.finish()


_Row = tuple[Where, Micros, str, Event]


def _at(row: _Row) -> Micros:
    return row[1]


def _with_progress(rows: Iterable[_Row]) -> Iterable[_Row]:
    return _progress(rows) if sys.stderr.isatty() else rows


def _progress(rows: Iterable[_Row]) -> Iterator[_Row]:
    """Passes the rows on, and says on a terminal how many there were once it takes long."""
    due = time.monotonic() + _QUIET_FOR
    count = 0
    for count, one in enumerate(rows, 1):
        if not count % 10_000 and time.monotonic() >= due:
            click.echo(f"\r{count:,} events read", err=True, nl=False)
            due = time.monotonic() + _QUIET_FOR
        yield one
    if count and time.monotonic() >= due:
        click.echo("\r", err=True, nl=False)


class _Bar:
    """How far a large check is: a line that is written over, on a terminal."""

    def __init__(self) -> None:
        self._what = ""
        self._began = 0.0

    def __call__(self, what: str, done: int, of: int) -> None:
        now = time.monotonic()
        if what != self._what:
            self._what, self._began = what, now
        text = f"{done:,} of {of:,} {what}"
        if done and now > self._began:
            rate = done / (now - self._began)
            text += f", {rate:,.0f}/s, {(of - done) / rate:,.0f} s left"
        click.echo(f"\r{text:<78}" + ("\n" if done >= of else ""), err=True, nl=False)


def _no_bar(what: str, done: int, of: int) -> None:
    """Nobody watches."""

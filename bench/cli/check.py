"""`smets1-bench check`: judges a trace, whoever wrote it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bench.cli.strategy_options import chosen_strategy, strategy_options
from bench.errors import UsageError
from bench.trace import Event
from bench.trace_reading import (
    Complaints,
    FaultyLine,
    Places,
    Reading,
    Where,
    read_trace,
)
from bench.units import Micros, parse_duration

if TYPE_CHECKING:
    from bench.conformance.finding import Judgement
    from bench.mehrs.strategy import Strategy

_QUIET_FOR: Final = 1.0
"""Seconds without a progress line."""


def _tolerance(context: click.Context, option: click.Parameter, text: str) -> Micros:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(f"expected {error}, got {text!r}") from None


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
@click.option("--sort", "sort", is_flag=True, help="Sort the events by time first (in memory).")
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
    as_json: bool,
) -> None:
    """Judges traces (.jsonl) by the rules of a strategy. Several files are one trace; - is stdin.

    Exits 0 if everything exercised passed, 1 if a rule failed, 3 if none failed but something is
    inconclusive or nothing was exercised, 2 if the input or the usage is wrong.

    \b
    Examples:
      smets1-bench check trace.jsonl
      smets1-bench check --mehrs 5.0-draft --tolerance 2min monday.jsonl tuesday.jsonl
      smets1-bench check --overlay lab-copy.yaml --json - < trace.jsonl
    """
    if traces.count("-") > 1:
        raise UsageError("expected standard input (-) once at most")
    strategy = chosen_strategy(mehrs, as_of, mam, overlay)
    reading = Reading()
    judgement = judge_files(traces, strategy, tolerance, sort=sort, reading=reading)
    if as_json:
        click.echo(json.dumps(judgement.as_json()))
    else:
        from bench.conformance.report_text import as_text

        click.echo(as_text(judgement, reading.empty_lines))
    context.exit(int(judgement.exit_code))


def judge_files(
    traces: Iterable[str],
    strategy: Strategy,
    tolerance: Micros,
    *,
    sort: bool = False,
    reading: Reading | None = None,
) -> Judgement:
    """Judges files as one trace. Raises UsageError with every error of the trace that is listed."""
    from bench.conformance.checker import Checker

    places = Places()
    complaints = Complaints(places)
    # Sorted, an event is known by its rank, so that findings stand in the order of the trace.
    ranked: list[Where] = []
    checker = Checker(
        strategy, tolerance, (lambda rank: places.text(ranked[rank])) if sort else places.text
    )
    events: Iterable[tuple[Where, Event]] = _with_progress(
        read_trace(tuple(traces), places, complaints, reading=reading, on_faulty=checker.shake)
    )
    if sort:
        in_order = sorted(events, key=_at)
        ranked.extend(where for where, _ in in_order)
        events = ((rank, event) for rank, (_, event) in enumerate(in_order))
    for where, event in events:
        try:
            checker.feed(event, where)
        except FaultyLine as fault:
            complaints.add(ranked[where] if sort else where, fault.faults)
    complaints.raise_if_any()
    return checker.finish()


def _at(line: tuple[Where, Event]) -> Micros:
    return line[1].at


def _with_progress(events: Iterable[tuple[Where, Event]]) -> Iterable[tuple[Where, Event]]:
    return _progress(events) if sys.stderr.isatty() else events


def _progress(events: Iterable[tuple[Where, Event]]) -> Iterator[tuple[Where, Event]]:
    """Passes the events on, and says on a terminal how many there were once it takes long."""
    due = time.monotonic() + _QUIET_FOR
    count = 0
    for count, one in enumerate(events, 1):
        if not count % 10_000 and time.monotonic() >= due:
            click.echo(f"\r{count:,} events read", err=True, nl=False)
            due = time.monotonic() + _QUIET_FOR
        yield one
    if count and time.monotonic() >= due:
        click.echo("\r", err=True, nl=False)

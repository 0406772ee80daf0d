"""A large trace, judged share by share in several processes."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.conformance.finding import Judgement, merged
from bench.errors import BenchError
from bench.large_checks.extra import scale_library
from bench.large_checks.inputs import is_parquet
from bench.large_checks.means import Means
from bench.large_checks.parquet import rows_of
from bench.large_checks.pieces import Cut, Piece, Unclean, cuts_of, make_piece
from bench.large_checks.share import Share, Sorting, Table, Task, connect, judge_share, last_at
from bench.large_checks.workers import Told, Workers, workers_for
from bench.mehrs.strategy import Strategy
from bench.trace_reading import Places, Reading, UnreadableTrace
from bench.units import Micros

_FOR_SORTING: Final = 0.6
"""The part of the memory that DuckDB may use; the rest is for the rows on their way."""


def judge_large(
    files: Sequence[str],
    strategy: Strategy,
    tolerance: Micros,
    means: Means,
    *,
    sort: bool = False,
    reading: Reading | None = None,
    told: Told = lambda what, done, of: None,
) -> Judgement | None:
    """Judges files as one trace, with the same result as the streaming form.

    None where something is wrong with the trace: the streaming form then says what. Raises
    BenchError where the disk is full or a process was killed. Temporary files lie in TMPDIR and
    are gone afterwards, also after Ctrl-C.
    """
    scale_library("duckdb")
    try:
        with (
            tempfile.TemporaryDirectory(prefix="smets1-bench-") as folder,
            workers_for(means.workers, told) as workers,
        ):
            trace = _prepared(files, folder, workers)
            if reading is not None:
                reading.lines, reading.empty_lines = trace.lines, trace.empty_lines
            return _judged(trace, strategy, tolerance, means, sort, folder, workers)
    except (Unclean, UnreadableTrace, OSError):
        return None
    except BrokenProcessPool:
        raise BenchError(
            "a process of the check was killed, perhaps for want of memory",
            hint="give fewer --workers or less --memory",
        ) from None


@dataclass(frozen=True, slots=True)
class _Trace:
    """A trace as DuckDB can read it. `names` are the files' base names."""

    names: tuple[str, ...]
    tables: tuple[Table, ...]
    lines: int
    empty_lines: int


def _prepared(files: Sequence[str], folder: str, workers: Workers) -> _Trace:
    """Cuts JSON lines into pieces. Raises Unclean, also where a file has no event at all."""
    cuts = [(number, cut) for number, file in enumerate(files) for cut in _cuts(file)]
    jobs = [(cut, str(Path(folder) / f"{n}.parquet")) for n, (_, cut) in enumerate(cuts)]
    octets = sum(cut.stop - cut.start for cut, _ in jobs)
    pieces = workers.all(make_piece, jobs, "octets read", octets)
    by_file: list[list[Piece]] = [[] for _ in files]
    for (number, _), piece in zip(cuts, pieces, strict=True):
        by_file[number].append(piece)
    places = Places()
    tables: list[Table] = []
    lines = empty = 0
    for file, its_pieces in zip(files, by_file, strict=True):
        base = places.add(Path(file).name)
        if is_parquet(file):
            tables.append(Table(file, base, lined=False))
            found = rows_of(file)
            lines += found
        else:
            found = 0
            for piece in its_pieces:
                tables.append(Table(piece.path, base + found, lined=True))
                found += piece.lines
                empty += piece.empty_lines
            lines += found
            found -= sum(piece.empty_lines for piece in its_pieces)
        if not found:
            raise Unclean
    return _Trace(tuple(Path(file).name for file in files), tuple(tables), lines, empty)


def _cuts(file: str) -> list[Cut]:
    return [] if is_parquet(file) else cuts_of(file)


def _judged(
    trace: _Trace,
    strategy: Strategy,
    tolerance: Micros,
    means: Means,
    sort: bool,
    folder: str,
    workers: Workers,
) -> Judgement:
    duckdb = scale_library("duckdb")
    events = trace.lines - trace.empty_lines
    memory = int(means.memory * _FOR_SORTING)
    try:
        with connect(Sorting(memory, folder)) as connection:
            until = last_at(connection, trace.tables)
        alone = Sorting(memory // means.workers, folder)
        task = Task(trace.tables, trace.names, strategy, tolerance, until, sort, alone)
        shares = [(Share(index, means.workers), task) for index in range(means.workers)]
        parts = workers.all(judge_share, shares, "events judged", events)
    except duckdb.OutOfMemoryException:
        raise BenchError(
            f"{means.memory // 1024**2} MiB are too little to sort the trace"
            f" (--workers {means.workers})",
            hint="give more --memory, or fewer --workers",
        ) from None
    except duckdb.Error as error:
        why = str(error).splitlines()[0]
        hint = "make room in TMPDIR, or name another folder in it"
        raise BenchError(f"sorting the trace failed: {why}", hint=hint) from None
    judgement = merged(strategy, parts)
    if judgement.events != events:
        raise AssertionError(f"{judgement.events} events judged of {events}")
    return judgement

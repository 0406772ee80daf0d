"""One share of a large trace: all events of some installations, sorted by DuckDB and judged.

One installation comes after the other, so that the facts of one at a time are in memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.conformance.checker import Checker
from bench.conformance.finding import Part
from bench.conformance.memory import rare_collections
from bench.large_checks.extra import scale_library
from bench.large_checks.parquet import shared_texts
from bench.large_checks.pieces import Unclean
from bench.large_checks.rows import RowReader
from bench.large_checks.workers import Said
from bench.mehrs.strategy import Strategy
from bench.trace import Event
from bench.trace_reading import FaultyLine, Places, Where
from bench.trace_reading.form import LineReader
from bench.units import Micros

if TYPE_CHECKING:
    import duckdb

_ROWS_AT_ONCE: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Table:
    """A Parquet file with events: a piece of JSON lines (`lined`), or a trace as Parquet.

    Line or row n of it is the place `base` + n.
    """

    path: str
    base: Where
    lined: bool


@dataclass(frozen=True, slots=True)
class Sorting:
    """How DuckDB works: octets of memory, threads, and the folder for what does not fit."""

    memory: int
    threads: int
    folder: str


@dataclass(frozen=True, slots=True)
class Share:
    """The installations whose hash leaves `index` when it is divided by `of`."""

    index: int
    of: int


@dataclass(frozen=True, slots=True)
class Task:
    """A trace and how it is judged: the same for every share.

    `names` are the files' base names, `until` the last `at` of the trace. `sort`: by `at` first.
    """

    tables: tuple[Table, ...]
    names: tuple[str, ...]
    strategy: Strategy
    tolerance: Micros
    until: Micros
    sort: bool
    sorting: Sorting


def connect(sorting: Sorting) -> duckdb.DuckDBPyConnection:
    connection: duckdb.DuckDBPyConnection = scale_library("duckdb").connect()
    connection.execute("SET memory_limit = ?", [f"{sorting.memory // 1024}KiB"])
    connection.execute("SET temp_directory = ?", [sorting.folder])
    connection.execute(f"SET threads = {sorting.threads}")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET enable_progress_bar = false")  # it would go to standard output
    return connection


def last_at(connection: duckdb.DuckDBPyConnection, tables: tuple[Table, ...]) -> Micros:
    """The last `at` of the trace. Raises Unclean where there is none."""
    found = connection.execute(f"SELECT max(moment) FROM ({_rows(tables)})").fetchone()
    if found is None or found[0] is None:
        raise Unclean
    return int(found[0])


def judge_share(share: Share, task: Task, said: Said) -> Part:
    """Judges the events of a share. Raises Unclean at the first fault."""
    places = Places(*task.names)
    ranked = array("q")
    place = (lambda rank: places.text(ranked[rank])) if task.sort else places.text
    checker = Checker(task.strategy, task.tolerance, place)
    ats = array("q")
    with rare_collections(), connect(task.sorting) as connection:
        at_hand = None
        for where, event in _events(connection, share, task):
            if isinstance(event, FaultyLine):
                raise Unclean
            if event.installation != at_hand:
                if at_hand is not None:
                    checker.leave(at_hand, task.until)
                at_hand = event.installation
            try:
                if task.sort:
                    ranked.append(where)
                    ats.append(event.at)
                    checker.feed(event, len(ranked) - 1)
                else:
                    checker.feed(event, where)
            except FaultyLine:
                raise Unclean from None
            if not checker.events % _ROWS_AT_ONCE:
                said(_ROWS_AT_ONCE)
        said(checker.events % _ROWS_AT_ONCE)
        part = checker.part(task.until)
    if not task.sort:
        return part
    in_order = tuple(((ats[rank], ranked[rank]), finding) for rank, finding in part.findings)
    return replace(part, findings=in_order)


def _events(
    connection: duckdb.DuckDBPyConnection, share: Share, task: Task
) -> Iterator[tuple[Where, Event | FaultyLine]]:
    rows = connection.sql(
        f"SELECT place, moment, installation, event, text FROM ({_rows(task.tables)})"
        f" WHERE hash(installation) % {share.of} = {share.index}"
        f" ORDER BY installation, {'moment, place' if task.sort else 'place'}"
    )
    lines, row_reader = LineReader(), RowReader()
    for batch in rows.to_arrow_reader(_ROWS_AT_ONCE):
        places, ats = (batch.column(i).to_pylist() for i in range(2))
        names, kinds, texts = (shared_texts(batch.column(i)) for i in range(2, 5))
        for place, at, name, kind, text in zip(places, ats, names, kinds, texts, strict=True):
            if kind is not None or text is None:
                yield place, row_reader.read(at, name, kind, text)
            else:
                try:
                    yield place, lines.read(text)
                except FaultyLine as fault:
                    yield place, fault


def _rows(tables: tuple[Table, ...]) -> str:
    """SQL for all events of a trace: place, moment (`at`), installation, event, text.

    `event` is NULL where `text` is a whole line.
    """
    return " UNION ALL ".join(
        f'SELECT {table.base} + line AS place, "at" AS moment, installation, NULL AS event, text'
        f" FROM read_parquet({_quoted(table.path)})"
        if table.lined
        else f'SELECT {table.base + 1} + file_row_number AS place, epoch_us("at") AS moment,'
        f" coalesce(installation, '') AS installation, coalesce(event, '') AS event, fields AS text"
        f" FROM read_parquet({_quoted(table.path)}, file_row_number = true)"
        for table in tables
    )


def _quoted(path: str) -> str:
    """A file's name for SQL; what DuckDB takes for a pattern stands for itself."""
    plain = "".join(f"[{c}]" if c in "*?[" else c for c in str(Path(path).absolute()))
    return "'" + plain.replace("'", "''") + "'"

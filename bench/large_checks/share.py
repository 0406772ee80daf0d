"""One share of a large trace: all events of some installations, sorted by DuckDB and judged.

One installation comes after the other, so that the facts of one at a time are in memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

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
    """How DuckDB works: octets of memory, and the folder for what does not fit."""

    memory: int
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
    connection.execute("SET threads = 1")  # each takes memory; there are processes enough
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
        take = checker.take
        for rows in _rows_of(connection, share, task):
            told = checker.events
            try:
                for where, at, installation, event in rows:
                    if installation != at_hand:
                        if at_hand is not None:
                            checker.leave(at_hand, task.until)
                        at_hand = installation
                    if task.sort:
                        ranked.append(where)
                        ats.append(at)
                        where = len(ranked) - 1
                    take(at, installation, event, where)
            except FaultyLine:
                raise Unclean from None
            said(checker.events - told)
        part = checker.part(task.until)
    if not task.sort:
        return part
    in_order = tuple(((ats[rank], ranked[rank]), finding) for rank, finding in part.findings)
    return replace(part, findings=in_order)


def _rows_of(
    connection: duckdb.DuckDBPyConnection, share: Share, task: Task
) -> Iterator[Iterator[tuple[Where, Micros, str, Event]]]:
    """The rows of the share in their order, some at once. Iterating may raise FaultyLine."""
    rows = connection.sql(
        f"SELECT place, moment, installation, event, text FROM ({_rows(task.tables)})"
        f" WHERE hash(installation) % {share.of} = {share.index}"
        f" ORDER BY installation, {'moment, place' if task.sort else 'place'}"
    )
    lines, rows_read = LineReader(), RowReader()
    for batch in rows.to_arrow_reader(_ROWS_AT_ONCE):
        yield _read(batch, lines, rows_read)


def _read(
    batch: Any, lines: LineReader, rows: RowReader
) -> Iterator[tuple[Where, Micros, str, Event]]:
    """Raises FaultyLine at the first fault."""
    columns: list[list[Any]] = [batch.column(i).to_pylist() for i in range(2)]
    columns.extend(shared_texts(batch.column(i)) for i in range(2, 5))
    for where, at, installation, kind, text in zip(*columns, strict=True):
        if kind is None:
            yield where, at, installation, lines.read_on(at, installation, text)
        else:
            said = rows.read(at, installation, kind, text)
            if isinstance(said, FaultyLine):
                raise said
            yield where, at, installation, said


def _rows(tables: tuple[Table, ...]) -> str:
    """SQL for all events of a trace: place, moment (`at`), installation, event, text.

    `event` is NULL where `text` is a line or the rest of one (`Piece`). All pieces are one scan and
    all Parquet files another: with a scan for each DuckDB runs out of memory before it spills.
    """
    pieces = [table for table in tables if table.lined]
    rows = [table for table in tables if not table.lined]
    scans = []
    if pieces:
        scans.append(
            f'SELECT {_base(pieces)} + line AS place, "at" AS moment, installation, NULL AS event,'
            f" text FROM read_parquet({_files(pieces)})"
        )
    if rows:
        scans.append(
            f'SELECT {_base(rows)} + 1 + file_row_number AS place, epoch_us("at") AS moment,'
            f" coalesce(installation, '') AS installation, coalesce(event, '') AS event,"
            f" fields AS text FROM read_parquet({_files(rows)}, file_row_number = true)"
        )
    return " UNION ALL ".join(scans)


def _base(tables: Sequence[Table]) -> str:
    bases = ", ".join(str(table.base) for table in tables)
    return f"CAST([{bases}][CAST(file_index AS BIGINT) + 1] AS BIGINT)"


def _files(tables: Sequence[Table]) -> str:
    return "[" + ", ".join(_quoted(table.path) for table in tables) + "]"


def _quoted(path: str) -> str:
    """A file's name for SQL; what DuckDB takes for a pattern stands for itself."""
    plain = "".join(f"[{c}]" if c in "*?[" else c for c in str(Path(path).absolute()))
    return "'" + plain.replace("'", "''") + "'"

"""Traces as Parquet: one row an event (docs/trace.md, "As Parquet").

| column         | type                | holds                                             |
|----------------|---------------------|---------------------------------------------------|
| `at`           | timestamp[us, UTC]  | when the fact became known                        |
| `installation` | string              | the installation                                  |
| `event`        | string              | the kind of event                                 |
| `fields`       | string              | the other fields, as the JSON object of the line  |

The rows stand in the trace's order, and a row means what its line would mean: it is read and
complained about by `bench.trace_reading`. Other columns are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from bench.errors import BenchError
from bench.large_checks.extra import scale_library
from bench.large_checks.rows import RowReader
from bench.trace import Event, own_fields
from bench.trace_reading import PlacedRow, Places, UnreadableTrace

COLUMNS: Final = ("at", "installation", "event", "fields")

ROWS_AT_ONCE: Final = 64 * 1024


def write_parquet(events: Iterable[Event], path: Path) -> int:
    """Writes the events as one file, and returns how many there were.

    They are taken one by one, so there may be more than memory holds. The same events give the
    same bytes. The file has its name only once it is whole. Raises BenchError where it cannot be
    written.
    """
    pa, pq = scale_library("pyarrow"), scale_library("pyarrow.parquet")
    schema = _schema(pa)
    rest = iter(events)
    rows = 0
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        try:
            with pq.ParquetWriter(unfinished, schema, compression="zstd") as writer:
                while batch := list(islice(rest, ROWS_AT_ONCE)):
                    writer.write_batch(_batch(pa, schema, batch))
                    rows += len(batch)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise BenchError(f"{path}: cannot be written: {error.strerror or error}") from None
    return rows


def _schema(pa: Any) -> Any:
    return pa.schema(
        [
            ("at", pa.timestamp("us", tz="UTC")),
            ("installation", pa.string()),
            ("event", pa.string()),
            ("fields", pa.string()),
        ]
    )


def _batch(pa: Any, schema: Any, events: Sequence[Event]) -> Any:
    columns = (
        [event.at for event in events],
        [event.installation for event in events],
        [event.kind for event in events],
        [_as_text(own_fields(event)) for event in events],
    )
    arrays = [pa.array(c, field.type) for c, field in zip(columns, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def _as_text(fields: dict[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(", ", ": "))


def rows_of(path: str) -> int:
    """How many rows the file has. Raises UnreadableTrace where it holds no trace, or OSError."""
    pa, pq = scale_library("pyarrow"), scale_library("pyarrow.parquet")
    try:
        with pq.ParquetFile(path) as file:
            found, rows = file.schema_arrow, int(file.metadata.num_rows)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        why = str(error).splitlines()[0]
        raise UnreadableTrace(f"expected a Parquet file: {why}") from None
    faults = []
    for field in _schema(pa):
        if (count := found.names.count(field.name)) > 1:
            faults.append(f"{field.name} stands there {count} times")
        elif not count:
            faults.append(f"{field.name} ({field.type}) is missing")
        elif not _fits(pa, found.field(field.name).type, field.type):
            faults.append(f"{field.name} is {found.field(field.name).type}, not {field.type}")
    if faults:
        all_faults = "; ".join(faults)
        raise UnreadableTrace(f"expected the columns of a trace (docs/trace.md): {all_faults}")
    return rows


def _fits(pa: Any, got: Any, wanted: Any) -> bool:
    if pa.types.is_dictionary(got):
        got = got.value_type
    return bool(got in (wanted, pa.large_string()) if wanted == pa.string() else got == wanted)


class ParquetTrace:
    """One Parquet file of a trace, read batch by batch: a `TraceSource` whose lines are rows.

    A row is numbered from 1, as lines are.
    """

    def __init__(self, path: str, places: Places) -> None:
        self.path = path
        self.name = Path(path).name
        self.lines = 0
        self.empty_lines = 0
        self._base = places.add(self.name)

    def __iter__(self) -> Iterator[PlacedRow]:
        rows_of(self.path)
        reader = RowReader()
        with scale_library("pyarrow.parquet").ParquetFile(self.path) as file:
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=list(COLUMNS)):
                ats = batch.column("at").cast("int64").to_pylist()
                texts = [shared_texts(batch.column(name)) for name in COLUMNS[1:]]
                for at, name, kind, fields in zip(ats, *texts, strict=True):
                    self.lines += 1
                    said = reader.read(at, name, kind, fields)
                    yield self._base + self.lines, at or 0, name or "", said


def shared_texts(column: Any) -> list[str | None]:
    """The column's texts; equal ones are one object."""
    if not hasattr(column, "dictionary"):
        column = column.dictionary_encode()
    texts: list[str | None] = column.dictionary.to_pylist()
    return [None if index is None else texts[index] for index in column.indices.to_pylist()]

"""JSON lines cut into pieces that DuckDB can sort: each line with its installation and its time.

A line is not judged here, and hardly read: what its installation is must be sure, the rest is for
the share that gets it. Where it is not sure that a line has an installation and a time at all, the
piece is `Unclean` and the whole trace is left to the streaming form, which says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.large_checks.extra import scale_library
from bench.large_checks.workers import Said
from bench.trace_reading import FaultyLine, object_of, raw_lines
from bench.trace_reading.values import Expected, instant, name
from bench.units import Micros

OCTETS: Final = 64 * 1024 * 1024
"""How much of a file one piece holds."""

_LINES_AT_ONCE: Final = 64 * 1024
_LEADING: Final = re.compile(r'"(at|installation)": ?"([^"\\\x00-\x1f]*)"')


class Unclean(Exception):
    """Something is wrong with the trace; the streaming form says what."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a file: the lines that begin in it."""

    path: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A cut as a Parquet file with the columns line, at, installation, text.

    `line` counts from 1 at the cut's start. `lines` counts the empty ones too.
    """

    path: str
    lines: int
    empty_lines: int


def cuts_of(path: str) -> list[Cut]:
    """Raises OSError where the file cannot be looked at."""
    size = Path(path).stat().st_size
    return [Cut(path, at, min(at + OCTETS, size)) for at in range(0, size, OCTETS)]


def make_piece(cut: Cut, target: str, said: Said) -> Piece:
    """Writes the piece. Raises Unclean where a line is surely or perhaps faulty."""
    pa, pq = scale_library("pyarrow"), scale_library("pyarrow.parquet")
    types = (pa.int64(), pa.int64(), pa.string(), pa.string())
    schema = pa.schema(list(zip(("line", "at", "installation", "text"), types, strict=True)))
    number = empty = 0
    rows: list[tuple[int, Micros, str, str]] = []
    with pq.ParquetWriter(target, schema, compression="lz4") as writer:
        for raw in _lines(cut):
            number += 1
            if not raw:
                empty += 1
                continue
            rows.append((number, *_leading(raw)))
            if len(rows) == _LINES_AT_ONCE:
                writer.write_batch(_batch(pa, schema, rows))
                rows.clear()
        if rows:
            writer.write_batch(_batch(pa, schema, rows))
    said(cut.stop - cut.start)
    return Piece(target, number, empty)


def _batch(pa: Any, schema: Any, rows: list[tuple[int, Micros, str, str]]) -> Any:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(c, field.type) for c, field in zip(columns, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def _lines(cut: Cut) -> Iterator[bytes]:
    with Path(cut.path).open("rb") as file:
        left = cut.stop - cut.start
        if cut.start:
            # The line that is under way at the start is the piece's before this one.
            file.seek(cut.start - 1)
            left -= len(file.readline()) - 1
        for raw in raw_lines(file, at_start=not cut.start, octets=left):
            if isinstance(raw, FaultyLine):
                raise Unclean
            yield raw


def _leading(raw: bytes) -> tuple[Micros, str, str]:
    """The line's time, its installation, and the line."""
    try:
        text = raw.decode()
        found = _LEADING.findall(text)
        # Twice: one of them may be a nested object's. A backslash: a name may hide behind it.
        if len(found) == 2 and text.count('"installation"') == 1 == text.count('"at"'):
            line = dict(found)
            if len(line) == 2 and "\\" not in text:
                return instant(line["at"]), name(line["installation"]), text
        whole = object_of(text)
        return instant(whole.get("at")), name(whole.get("installation")), text
    except (UnicodeDecodeError, FaultyLine, Expected):
        raise Unclean from None

"""JSON lines cut into pieces that DuckDB can sort: each line with its installation and its time.

A line is parted by its two leading fields where they stand in front (`trace_reading.form.LEADING`),
many lines at once; the rest of it is for the share that gets it. A line that begins otherwise is
read in full to know its installation and time, and kept whole. Where it is not sure that a line has
them at all, the piece is `Unclean` and the whole trace is left to the streaming form, which says
what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.large_checks.extra import scale_library
from bench.large_checks.workers import Said
from bench.trace_reading import BYTE_ORDER_MARK, LONGEST_LINE, FaultyLine, object_of
from bench.trace_reading.form import LEADING
from bench.trace_reading.values import Expected, Parse, instant, name
from bench.units import Micros

OCTETS: Final = 64 * 1024 * 1024
"""How much of a file one piece holds."""

AT_ONCE: Final = 4 * 1024 * 1024
"""Octets of lines in memory, several times."""

_BLANKS: Final = " \t\n\r\v\f"
"""What may stand around an object."""

_PARTED: Final = f"^{LEADING}"


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

    `line` counts from 1 at the cut's start; `text` is the rest of the line, from the quote on that
    ends the installation's name, or the whole line. `lines` counts the empty ones too.
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
    with pq.ParquetWriter(target, schema, compression="lz4") as writer:
        for octets in _blocks(cut):
            lines = _lines(pa, octets)
            columns = _columns(pa, lines, number)
            number += len(lines)
            empty += len(lines) - len(columns[0])
            writer.write_batch(pa.record_batch(columns, schema=schema))
            said(len(octets))
    return Piece(target, number, empty)


def _blocks(cut: Cut) -> Iterator[bytes]:
    """The lines that begin in the cut, some whole ones at once."""
    with Path(cut.path).open("rb") as file:
        left = cut.stop - cut.start
        if cut.start:
            # The line that is under way at the start is the piece's before this one.
            file.seek(cut.start - 1)
            left -= len(file.readline()) - 1
        at_start = not cut.start
        while left > 0:
            octets = file.read(min(left, AT_ONCE))
            if not octets:
                return
            if not octets.endswith(b"\n"):
                octets += file.readline()
            left -= len(octets)
            yield octets.removeprefix(BYTE_ORDER_MARK) if at_start else octets
            at_start = False


def _lines(pa: Any, octets: bytes) -> Any:
    """The lines without what may stand around an object."""
    pc = scale_library("pyarrow.compute")
    try:
        text = octets.removesuffix(b"\n").decode()
    except UnicodeDecodeError:
        raise Unclean from None
    lines = pc.list_flatten(pc.split_pattern(pa.array([text]), "\n"))
    if pc.max(pc.binary_length(lines)).as_py() >= LONGEST_LINE:
        raise Unclean
    return pc.ascii_trim(lines, _BLANKS)


def _columns(pa: Any, lines: Any, before: int) -> list[Any]:
    """line, at, installation and text of the lines that are not empty; `before` counts all."""
    pc = scale_library("pyarrow.compute")
    numbers = pa.array(range(before + 1, before + 1 + len(lines)), pa.int64())
    filled = pc.greater(pc.binary_length(lines), 0)
    numbers, lines = numbers.filter(filled), lines.filter(filled)
    at_texts, names = pc.extract_regex(lines, _PARTED).flatten()
    ats = _each(pa, at_texts, instant, pa.int64())
    names = _each(pa, names, name, pa.string())
    others = pc.is_null(ats)
    if pc.any(others).as_py():
        leading = [_leading(text) for text in lines.filter(others).to_pylist()]
        ats = pc.replace_with_mask(ats, others, pa.array([at for at, _ in leading], pa.int64()))
        given = pa.array([name for _, name in leading], pa.string())
        names = pc.replace_with_mask(names, others, given)
    texts = pc.replace_substring_regex(lines, _PARTED, '"', max_replacements=1)
    return [numbers, ats, names, texts]


def _each(pa: Any, texts: Any, parse: Parse, kind: Any) -> Any:
    """The values that the texts state. Raises Unclean where one states none."""
    coded = texts.dictionary_encode()
    try:
        values = [parse(text) for text in coded.dictionary.to_pylist()]
    except Expected:
        raise Unclean from None
    return pa.array(values, kind).take(coded.indices)


def _leading(text: str) -> tuple[Micros, str]:
    """The time and the installation of a line that begins otherwise."""
    try:
        whole = object_of(text)
        return instant(whole.get("at")), name(whole.get("installation"))
    except (FaultyLine, Expected):
        raise Unclean from None

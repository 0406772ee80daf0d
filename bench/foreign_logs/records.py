"""The records of a foreign log in CSV: its rows, each with its line."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final

from bench.trace_reading import GZIP, FaultyLine, UnreadableTrace

LONGEST_CELL: Final = 1024 * 1024

Record = Mapping[str, Any]
"""The values of a record by column."""

Records = Iterator[tuple[int, Record | FaultyLine]]
"""Each with the line on which it begins."""


def csv_records(path: str, delimiter: str, encoding: str) -> Records:
    """The rows below the header. Raises OSError, or UnreadableTrace where there is no header."""
    csv.field_size_limit(LONGEST_CELL)
    with Path(path).open("rb") as octets:
        refuse_if_packed(octets.peek(2), path)
        text = TextIOWrapper(octets, with_mark(encoding), "surrogateescape", newline="")
        rows = csv.reader(text, delimiter=delimiter, strict=True)
        header: list[str] | None = None
        line = 0
        while True:
            line = rows.line_num + 1
            try:
                row = next(rows)
            except StopIteration:
                break
            except csv.Error as error:
                yield line, FaultyLine(f"expected a row of CSV: {error}")
                continue
            if not row:
                continue
            if header is None:
                header = _header(row)
            else:
                yield line, _row(header, row, encoding)
    if header is None:
        raise UnreadableTrace("expected a header that names the columns, found none")


def refuse_if_packed(begin: bytes, path: str) -> None:
    if begin.startswith(GZIP):
        raise UnreadableTrace(f"expected text, got a gzip file; unpack it: gunzip -k {path}")


def with_mark(encoding: str) -> str:
    return "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding


def _header(row: list[str]) -> list[str]:
    names = [name.strip() for name in row]
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise UnreadableTrace(f"expected each column once in the header, '{twice[0]}' stands twice")
    return names


def _row(header: list[str], row: list[str], encoding: str) -> Record | FaultyLine:
    if len(row) != len(header):
        return FaultyLine(f"expected {len(header)} cells as in the header, got {len(row)}")
    for name, cell in zip(header, row, strict=True):
        if not cell.isascii() and any("\udc80" <= char <= "\udcff" for char in cell):
            return FaultyLine(f"column '{name}': expected {encoding} text (the map's encoding)")
    return dict(zip(header, row, strict=True))

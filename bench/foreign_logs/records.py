"""The records of a foreign log: rows of CSV, or objects of JSON, each with its line."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from bench.trace_reading import FaultyLine, UnreadableTrace, shown

LONGEST_CELL: Final = 1024 * 1024

Record = Mapping[str, Any]
"""The values of a record by column."""

Records = Iterator[tuple[int, Record | FaultyLine]]
"""Each with the line on which it begins."""


def csv_records(path: str, delimiter: str, encoding: str) -> Records:
    """The rows below the header. Raises OSError, or UnreadableTrace where there is no header."""
    csv.field_size_limit(LONGEST_CELL)
    with Path(path).open(encoding=_with_mark(encoding), errors="surrogateescape", newline="") as f:
        rows = csv.reader(f, delimiter=delimiter, strict=True)
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


def _with_mark(encoding: str) -> str:
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


def json_records(path: str, encoding: str) -> Records:
    """The objects of the file: one a line, or spread over lines, or the items of one list.

    The file is read whole. Raises OSError.
    """
    text = Path(path).read_bytes().decode(_with_mark(encoding), "surrogateescape")
    decoder = json.JSONDecoder()
    at = 0
    line = 1
    counted = 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,[]":
            at += 1
        if at == len(text):
            return
        line += text.count("\n", counted, at)
        counted = at
        try:
            value, at = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            yield line, FaultyLine(f"expected a JSON object: {_why(error)}")
            newline = text.find("\n", at)
            at = len(text) if newline < 0 else newline
            continue
        yield line, _object(value, encoding)


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno} column {error.colno}"
    return "nested too deeply"


def _object(value: Any, encoding: str) -> Record | FaultyLine:
    if not isinstance(value, dict):
        return FaultyLine(f"expected a JSON object, got {shown(value)}")
    record = dict(_flat(value, ""))
    for name, cell in record.items():
        if isinstance(cell, str) and any("\ud800" <= char <= "\udfff" for char in cell):
            return FaultyLine(f"field '{name}': expected {encoding} text (the map's encoding)")
    return record


def _flat(value: dict[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    """The fields of nested objects as `outer.inner`."""
    waiting = [(before, value)]
    while waiting:
        before, inner = waiting.pop()
        for name, one in inner.items():
            if isinstance(one, dict):
                waiting.append((f"{before}{name}.", one))
            else:
                yield f"{before}{name}", one

"""CSV for spreadsheets, in which no cell is taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from bench.printable import printable

_FORMULA: Final = ("=", "+", "-", "@")


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """RFC 4180 text. No cell begins as a formula of a spreadsheet would."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_safe(cell) for cell in row])
    return out.getvalue()


def _safe(cell: str) -> str:
    """Names come from files: one that a spreadsheet would compute is made text by a quote."""
    shown = printable(cell)
    return "'" + shown if shown.lstrip().startswith(_FORMULA) else shown

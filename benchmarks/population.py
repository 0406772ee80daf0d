"""A population as one trace: what the real process did in the default suite, over and over.

The suite is run once. Each copy of what it did has names of its own and lies some days later; the
copies overlap, so their events interleave. Scenarios in which the checker finds something come in
one copy of `RARE` only: most installations of a population go well.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.cli.check import judge_files
from bench.large_checks.extra import scale_library
from bench.large_checks.parquet import COLUMNS, ROWS_AT_ONCE
from bench.mehrs.loader import load_strategy
from bench.order import TOLERANCE, Order
from bench.runner import run_suite
from bench.shipped import find
from bench.units import parse_instant

RARE = 10
OVERLAP = 50
"""Copies that share their days."""

_DATE = re.compile(r'"(\d{4}-\d\d-\d\d)(?=T)')
_LINE = re.compile(r'\{"at": "([^"]*)", "installation": "([^"]*)", "event": "([^"]*)"(?:, )?(.*)')


def lines(events: int) -> Iterator[str]:
    """At least so many lines, in the order of time; whole copies."""
    with tempfile.TemporaryDirectory() as folder:
        run_suite(Order(find("suites", "default"), "default", seed=1), Path(folder))
        trace = Path(folder) / "trace.jsonl"
        suite = trace.read_text(encoding="utf-8").splitlines()
        judgement = judge_files([str(trace)], load_strategy(), TOLERANCE)
    told = {finding.installation for finding in judgement.findings}
    names = [_LINE.fullmatch(line)[2] for line in suite]  # type: ignore[index]
    common = [line for line, name in zip(suite, names, strict=True) if name not in told]
    made = first = 0
    while made < events:
        batch: list[str] = []
        for copy in range(first, first + OVERLAP):
            batch.extend(_copied(common if copy % RARE else suite, copy))
            if made + len(batch) >= events:
                break
        first += OVERLAP
        batch.sort(key=_at)
        made += len(batch)
        yield from batch


def _copied(lines: list[str], copy: int) -> list[str]:
    days = 40 * (copy // OVERLAP) + copy % 7
    moved: dict[str, str] = {}

    def later(match: re.Match[str]) -> str:
        day = match[1]
        if day not in moved:
            moved[day] = (date.fromisoformat(day) + timedelta(days)).isoformat()
        return f'"{moved[day]}'

    text = "\n".join(lines).replace('"installation": "', f'"installation": "{copy:05d}-')
    return _DATE.sub(later, text).splitlines()


def _at(line: str) -> int:
    return parse_instant(line[8 : line.index('"', 8)])


def write(events: int, folder: Path) -> tuple[Path, Path, int]:
    """The same events as JSON lines and as Parquet, and how many they are."""
    pa, pq = scale_library("pyarrow"), scale_library("pyarrow.parquet")
    types = (pa.timestamp("us", tz="UTC"), pa.string(), pa.string(), pa.string())
    schema = pa.schema(list(zip(COLUMNS, types, strict=True)))
    as_lines, as_rows = folder / "population.jsonl", folder / "population.parquet"
    count = 0
    rows: list[tuple[Any, ...]] = []
    with (
        as_lines.open("w", encoding="utf-8") as file,
        pq.ParquetWriter(as_rows, schema, compression="zstd") as writer,
    ):
        for line in lines(events):
            file.write(f"{line}\n")
            at, *texts, fields = _LINE.fullmatch(line).groups()  # type: ignore[union-attr]
            rows.append((parse_instant(at), *texts, f"{{{fields}"))
            count += 1
            if len(rows) == ROWS_AT_ONCE:
                writer.write_batch(_batch(pa, schema, rows))
                rows.clear()
        if rows:
            writer.write_batch(_batch(pa, schema, rows))
    return as_lines, as_rows, count


def _batch(pa: Any, schema: Any, rows: list[tuple[Any, ...]]) -> Any:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(c, field.type) for c, field in zip(columns, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)
